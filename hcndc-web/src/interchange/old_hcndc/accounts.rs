//! Users and roles. Passwords were MD5, which nobody should be let in by.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::port::normal_account;

use super::{
    Builder, OldMatter,
    names::{Names, clean},
};
use crate::interchange::{MeshOrigin, MeshPermission, MeshRole, MeshUser};

/// Roles that each server has from its first start: an import must not change them.
const OURS: [&str; 4] = ["admin", "developer", "operator", "viewer"];
/// The account that each server has from its first start.
const ADMIN: &str = "admin";

impl Builder<'_> {
    /// Roles with what they allowed; users with their roles, and without a password.
    pub(super) fn accounts(&mut self) {
        let roles = self.roles();
        let mut of_users: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for row in self.living("tb_user_roles_link") {
            let role = row.number("role_id").unwrap_or(0);
            let user = row.number("user_id").unwrap_or(0);
            match roles.get(&role) {
                Some(name) => {
                    of_users.entry(user).or_default().insert(name.clone());
                    self.carried(&row);
                }
                None => self.left_out(&row, "", OldMatter::NoRole { role }),
            }
        }
        let mut accounts = Names::without(&[ADMIN]);
        let mut count = 0;
        for row in self.living("tb_user") {
            let id = row.id();
            let wanted = row.text("user_name");
            let account = normal_account(wanted);
            if account.as_deref() == Some(ADMIN) {
                self.left_out(&row, wanted, OldMatter::AdminStays);
                continue;
            }
            let fallback = format!("user-{id}");
            let stem = account.unwrap_or_else(|| fallback.clone());
            let account = match accounts.take(&stem, id) {
                name if name == stem => name,
                _ => accounts.take(&fallback, id),
            };
            self.renamed(&row, wanted, &account);
            let name = clean(wanted);
            self.mesh.users.push(MeshUser {
                name: Some(name).filter(|name| *name != account && !name.is_empty()),
                account,
                enabled: true,
                roles: of_users.remove(&id).into_iter().flatten().collect(),
                password_hash: None,
                must_change_password: false,
                origin: MeshOrigin::Local,
            });
            count += 1;
            self.carried(&row);
        }
        if count > 0 {
            self.report.whole(OldMatter::NoPasswords { users: count });
        }
    }

    /// Tells that users and roles were not wanted.
    pub(super) fn no_accounts(&mut self) {
        self.report.whole(OldMatter::NoAccounts);
        for (table, count) in &mut self.report.tables {
            if table.starts_with("tb_user") {
                count.left_out = count.read;
            }
        }
    }

    /// Names of roles.
    fn roles(&mut self) -> BTreeMap<i64, String> {
        let privileges = self.living("tb_user_privilege");
        let mut allowed: BTreeMap<i64, MeshPermission> = BTreeMap::new();
        for row in &privileges {
            let permission = match row.text("permission").trim() {
                "read" => MeshPermission::Read,
                "write" => MeshPermission::Write,
                "execute" => MeshPermission::Execute,
                "schedule" => MeshPermission::Schedule,
                other => {
                    let permission = other.to_owned();
                    self.left_out(row, other, OldMatter::UnknownPermission { permission });
                    continue;
                }
            };
            allowed.insert(row.id(), permission);
            self.carried(row);
        }
        let mut grants: BTreeMap<i64, BTreeSet<MeshPermission>> = BTreeMap::new();
        for row in self.living("tb_user_privilege_link") {
            let role = row.number("role_id").unwrap_or(0);
            let privilege = row.number("privilege_id").unwrap_or(0);
            match allowed.get(&privilege) {
                Some(permission) => {
                    grants.entry(role).or_default().insert(*permission);
                    self.carried(&row);
                }
                None => self.left_out(&row, "", OldMatter::NoPrivilege { privilege }),
            }
        }
        let mut names = Names::without(&OURS);
        let mut roles = BTreeMap::new();
        let mut has_write = false;
        for row in self.living("tb_user_roles") {
            let wanted = row.text("name");
            let name = names.take(wanted, row.id());
            self.renamed(&row, wanted, &name);
            // Whoever signed in saw everything.
            let mut permissions = grants.remove(&row.id()).unwrap_or_default();
            permissions.insert(MeshPermission::Read);
            has_write |= permissions.contains(&MeshPermission::Write);
            let text = row.text("description").trim();
            self.mesh.roles.push(MeshRole {
                name: name.clone(),
                description: Some(text.to_owned()).filter(|text| !text.is_empty()),
                permissions: permissions.into_iter().collect(),
                directories: Vec::new(),
            });
            roles.insert(row.id(), name);
            self.carried(&row);
        }
        if has_write {
            self.report.whole(OldMatter::Executors);
        }
        roles
    }
}

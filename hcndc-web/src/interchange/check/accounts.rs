//! Roles and users.

use std::collections::HashMap;

use argon2::password_hash::phc;
use hcndc_core::port::normal_account;

use super::is_directory;
use super::places::{Faults, Mesh, position_of};
use crate::interchange::de::shorten;
use crate::interchange::fault::{NameRule, Noun, Problem};
use crate::interchange::mesh_file::MeshUser;
use crate::interchange::node::{field_path, item_path};

pub(super) fn check(mesh: &Mesh<'_>, faults: &mut Faults<'_>) {
    for role in mesh.list("roles", &mesh.file.roles) {
        let list = field_path(&role.path(), "directories");
        let directories = role.item.directories.iter();
        for (index, directory) in faults.indexes(&list).into_iter().zip(directories) {
            if !is_directory(directory) {
                let directory = directory.clone();
                let problem = Problem::BadDirectory { directory };
                faults.tell(&item_path(&list, index), problem);
            }
        }
    }
    let mut seen = HashMap::new();
    for user in mesh.list("users", &mesh.file.users) {
        let path = user.path();
        check_user(user.item, &path, faults);
        let account = user.item.account.as_str();
        let place = position_of(user.node, "account");
        if let Some(first) = seen.get(account) {
            let problem = Problem::DuplicateName {
                noun: Noun::User,
                name: shorten(account),
                first: *first,
            };
            faults.tell(&field_path(&path, "account"), problem);
        } else if !account.is_empty() {
            seen.insert(account, place);
        }
    }
}

fn check_user(user: &MeshUser, path: &str, faults: &mut Faults<'_>) {
    if normal_account(&user.account).as_deref() != Some(&user.account) {
        let problem = Problem::BadName {
            noun: Noun::User,
            name: shorten(&user.account),
            rule: NameRule::AccountPattern,
        };
        faults.tell_written(&field_path(path, "account"), problem);
    }
    if let Some(hash) = &user.password_hash {
        let is_one = phc::PasswordHash::new(hash);
        if !is_one.is_ok_and(|hash| hash.algorithm.as_str() == "argon2id") {
            faults.tell(&field_path(path, "password_hash"), Problem::BadPasswordHash);
        }
    }
}

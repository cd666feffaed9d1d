//! Users, roles, sessions, tokens and the audit trail, on each database: a case for each clause of the port.

mod support;

use std::{future::Future, time::Duration};

use hcndc_core::{
    contract::sample::at,
    id::{RoleId, TokenId, UserId},
    port::{
        AccountQuery, Accounts as _, AccountsError, AccountsPut, AuditEntry, AuditQuery, Digest,
        Direction, Grant, NamedSort, Origin, PageRequest, PasswordHash, Permission, RoleDraft,
        Session, TokenDraft, TokenQuery, UserDraft, UserPut,
    },
};
use hcndc_store_mysql::SqlStore;
use support::{block_on, mysql, sqlite};

/// Runs a case on a file of SQLite, and on a server if there is one.
fn on_each<F: Future<Output = ()>>(name: &str, case: impl Fn(SqlStore) -> F) {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        case(
            SqlStore::connect(&sqlite::url(&directory))
                .await
                .expect("connect"),
        )
        .await;
    });
    if !mysql::is_skipped(name) {
        block_on(async {
            let schema = mysql::Schema::create().await;
            case(SqlStore::connect(&schema.url).await.expect("connect")).await;
        });
    }
}

fn all() -> PageRequest {
    PageRequest {
        after: None,
        limit: 100,
        direction: Direction::Ascending,
    }
}

fn users(text: &str) -> AccountQuery {
    AccountQuery {
        text: text.into(),
        sort: NamedSort::Name,
        page: all(),
    }
}

fn draft(account: &str, roles: &[RoleId]) -> UserDraft {
    UserDraft {
        account: account.into(),
        name: account.to_uppercase(),
        enabled: true,
        roles: roles.to_vec(),
        origin: Origin::Local,
        subject: None,
    }
}

fn role(name: &str, permissions: &[Permission], directories: &[&str]) -> RoleDraft {
    RoleDraft {
        name: name.into(),
        description: String::new(),
        grant: Grant {
            permissions: permissions.to_vec(),
            directories: directories.iter().map(|it| (*it).into()).collect(),
        },
    }
}

fn password(phc: &str) -> PasswordHash {
    PasswordHash {
        phc: phc.into(),
        must_change: false,
    }
}

fn session(user: UserId) -> Session {
    Session {
        user,
        started_at: at(10),
        seen_at: at(10),
        ends_at: at(100),
    }
}

#[test]
fn users_have_roles_and_names_of_their_own() {
    on_each("users_have_roles_and_names_of_their_own", async |store| {
        let seer = role("seer", &[Permission::Read], &["/retail", "/bank"]);
        let seer = store.create_role(&seer, at(1)).await.expect("a role");
        assert_eq!(seer.grant.directories, ["/retail", "/bank"]);
        let taken = store.create_role(&role("seer", &[], &[]), at(1)).await;
        assert!(matches!(taken, Err(AccountsError::NameTaken)), "{taken:?}");

        let ann = store
            .create_user(&draft("ann", &[seer.id]), Some(&password("p")), at(2))
            .await;
        let ann = ann.expect("a user");
        assert_eq!(
            (ann.version, ann.roles.as_slice()),
            (1, [seer.id].as_slice())
        );
        let taken = store.create_user(&draft("ann", &[]), None, at(2)).await;
        assert!(matches!(taken, Err(AccountsError::NameTaken)), "{taken:?}");
        let unknown = store
            .create_user(&draft("bob", &[RoleId(99)]), None, at(2))
            .await;
        let role = RoleId(99);
        assert!(matches!(unknown, Err(AccountsError::UnknownRole { role: it }) if it == role));
        let found = store.users(&users("ANN")).await.expect("a page").items;
        assert_eq!(
            found,
            std::slice::from_ref(&ann),
            "what was refused left nothing behind"
        );

        let (again, hash) = store.find_user("ann").await.expect("read").expect("there");
        assert_eq!((again, hash), (ann.clone(), Some(password("p"))));
        let in_use = store.delete_role(seer.id, None).await;
        assert!(matches!(in_use, Err(AccountsError::InUse { accounts }) if accounts == ["ann"]));

        let changed = store
            .change_user(ann.id, Some(1), &draft("ann", &[]), at(3))
            .await;
        assert_eq!(changed.expect("changed").version, 2);
        let stale = store
            .change_user(ann.id, Some(1), &draft("ann", &[]), at(3))
            .await;
        assert!(matches!(stale, Err(AccountsError::Stale { current: 2 })));
        store.delete_role(seer.id, Some(1)).await.expect("free now");
        store.delete_user(ann.id, Some(2)).await.expect("gone");
        assert_eq!(store.user(ann.id).await.expect("read"), None);
        let unknown = store.delete_user(ann.id, None).await;
        assert!(matches!(unknown, Err(AccountsError::Unknown)));
    });
}

#[test]
fn roles_and_users_are_put_by_name_all_or_none() {
    on_each(
        "roles_and_users_are_put_by_name_all_or_none",
        async |store| {
            let user = |account: &str, roles: &[&str], phc: Option<&str>| UserPut {
                account: account.into(),
                name: account.to_uppercase(),
                enabled: true,
                roles: roles.iter().map(|it| (*it).into()).collect(),
                origin: Origin::Local,
                password: phc.map(password),
            };
            let mut put = AccountsPut {
                roles: vec![
                    role("admin", Permission::ALL, &[]),
                    role("seer", &[Permission::Read], &["/retail"]),
                ],
                users: vec![
                    user("ann", &["seer", "admin"], Some("p")),
                    user("bob", &["seer"], None),
                ],
            };
            let tried = store.put_accounts(&put, true, at(1)).await.expect("sound");
            assert!(tried.users.iter().all(|it| it.before.is_none()));
            assert_eq!(store.users(&users("")).await.expect("a page").items, []);

            let done = store.put_accounts(&put, false, at(2)).await.expect("put");
            assert_eq!(done.without_password, ["bob"]);
            let ann = done.users[0].after.clone();
            let ids = [done.roles[0].after.id, done.roles[1].after.id];
            assert_eq!((ann.roles.as_slice(), ann.version), (ids.as_slice(), 1));
            let digest = Digest([7; 32]);
            let begun = store.start_session(digest, &session(ann.id)).await;
            begun.expect("a session");

            // What says nothing new changes nothing, not even a version, and ends no session.
            let ann = store.user(ann.id).await.expect("read").expect("there");
            let again = store.put_accounts(&put, false, at(3)).await.expect("put");
            assert_eq!(again.users[0].before.as_ref(), Some(&ann));
            assert_eq!(again.users[0].after, ann);
            assert_eq!(again.roles[0].before.as_ref(), Some(&done.roles[0].after));
            assert!(store.session(digest, at(11)).await.expect("read").is_some());

            // A role that is not there, at the end: nothing of it is kept.
            put.roles[1].description = "sees".into();
            put.users.push(user("cy", &["nobody"], None));
            let refused = store.put_accounts(&put, false, at(4)).await;
            let Err(AccountsError::UnknownRoleName { account, role }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!((account.as_str(), role.as_str()), ("cy", "nobody"));
            let seer = store.role(ids[1]).await.expect("read").expect("there");
            assert_eq!(seer.description, "");

            // Another password ends sessions; the last administrator stays.
            put.users.truncate(1);
            put.users[0].password = Some(password("q"));
            store.put_accounts(&put, false, at(5)).await.expect("put");
            assert_eq!(store.session(digest, at(11)).await.expect("read"), None);
            put.users[0].roles = vec!["seer".into()];
            let refused = store.put_accounts(&put, false, at(6)).await;
            assert!(
                matches!(refused, Err(AccountsError::LastAdmin)),
                "{refused:?}"
            );
            let refused = store.put_accounts(&put, true, at(6)).await;
            assert!(
                matches!(refused, Err(AccountsError::LastAdmin)),
                "{refused:?}"
            );
            let (ann, hash) = store.find_user("ann").await.expect("read").expect("there");
            assert_eq!(
                (ann.roles.as_slice(), hash),
                (ids.as_slice(), Some(password("q")))
            );
        },
    );
}

#[test]
fn the_last_who_may_administer_stays() {
    on_each("the_last_who_may_administer_stays", async |store| {
        let admin = role("admin", Permission::ALL, &[]);
        let admin = store.create_role(&admin, at(1)).await.expect("a role");
        let local = role("local", Permission::ALL, &["/retail"]);
        let local = store.create_role(&local, at(1)).await.expect("a role");
        let ann = store
            .create_user(&draft("ann", &[admin.id]), None, at(1))
            .await;
        let ann = ann.expect("a user").id;
        let bob = store
            .create_user(&draft("bob", &[local.id]), None, at(1))
            .await;
        let bob = bob.expect("a user").id;

        let off = UserDraft {
            enabled: false,
            ..draft("ann", &[admin.id])
        };
        let weaker = role("admin", &[Permission::Read], &[]);
        let refusals = [
            store.delete_user(ann, None).await.err(),
            store.change_user(ann, None, &off, at(2)).await.err(),
            store
                .change_user(ann, None, &draft("ann", &[local.id]), at(2))
                .await
                .err(),
            store
                .change_role(admin.id, None, &weaker, at(2))
                .await
                .err(),
        ];
        for refused in refusals {
            assert!(
                matches!(refused, Some(AccountsError::LastAdmin)),
                "{refused:?}"
            );
        }
        let same = store.user(ann).await.expect("read").expect("there");
        assert!(same.enabled && same.version == 1);

        store
            .change_user(bob, None, &draft("bob", &[admin.id]), at(3))
            .await
            .expect("two now");
        store.delete_user(ann, None).await.expect("one is left");
    });
}

#[test]
fn a_session_lasts_until_its_time_is_over_or_its_user_is_not_who_signed_in() {
    let name = "a_session_lasts_until_its_time_is_over_or_its_user_is_not_who_signed_in";
    on_each(name, async |store| {
        let seer = store
            .create_role(&role("seer", &[Permission::Read], &[]), at(1))
            .await;
        let seer = seer.expect("a role");
        let ann = store
            .create_user(&draft("ann", &[seer.id]), None, at(1))
            .await;
        let ann = ann.expect("a user").id;
        let [a, b] = [Digest([1; 32]), Digest([2; 32])];
        store.start_session(a, &session(ann)).await.expect("begun");
        store.start_session(b, &session(ann)).await.expect("begun");
        let known = store
            .session(a, at(11))
            .await
            .expect("read")
            .expect("known");
        assert_eq!(known.user.signed_in_at, Some(at(10)));
        assert_eq!(
            (known.roles, known.grants),
            (vec!["seer".into()], vec![seer.grant])
        );
        store.see_session(a, at(20)).await.expect("seen");
        let known = store
            .session(a, at(21))
            .await
            .expect("read")
            .expect("known");
        assert_eq!(known.proof.seen_at, at(20));
        assert_eq!(store.session(a, at(100)).await.expect("read"), None, "over");
        assert_eq!(
            store.session(Digest([3; 32]), at(11)).await.expect("read"),
            None
        );

        store.end_session(a).await.expect("ended");
        assert_eq!(store.session(a, at(11)).await.expect("read"), None);
        assert!(store.session(b, at(11)).await.expect("read").is_some());
        store
            .set_password(ann, &password("q"), at(12))
            .await
            .expect("set");
        assert_eq!(
            store.session(b, at(12)).await.expect("read"),
            None,
            "all end"
        );

        store.start_session(b, &session(ann)).await.expect("begun");
        let off = UserDraft {
            enabled: false,
            ..draft("ann", &[])
        };
        store
            .change_user(ann, None, &off, at(13))
            .await
            .expect("changed");
        assert_eq!(
            store.session(b, at(13)).await.expect("read"),
            None,
            "disabled"
        );
        let refused = store.start_session(b, &session(ann)).await;
        assert!(matches!(refused, Err(AccountsError::Unknown)));
    });
}

#[test]
fn a_user_from_outside_is_known_by_its_subject_and_has_no_password() {
    let name = "a_user_from_outside_is_known_by_its_subject_and_has_no_password";
    on_each(name, async |store| {
        let from = |account: &str, origin: Origin, subject: Option<&str>| UserDraft {
            origin,
            subject: subject.map(Into::into),
            ..draft(account, &[])
        };
        let (ldap, oidc) = (Origin::Ldap, Origin::Oidc);
        let refused = store
            .create_user(&from("ann", ldap, None), Some(&password("p")), at(1))
            .await;
        assert!(matches!(refused, Err(AccountsError::Outside)));
        let ann = store
            .create_user(&from("ann", ldap, Some("7")), None, at(1))
            .await;
        let ann = ann.expect("a user");
        assert_eq!((ann.origin, ann.subject.as_deref()), (ldap, Some("7")));
        let taken = store
            .create_user(&from("bob", ldap, Some("7")), None, at(1))
            .await;
        assert!(matches!(taken, Err(AccountsError::NameTaken)), "{taken:?}");
        // Of another origin the same is somebody else, and nobody's subject is nobody's.
        for (account, origin, subject) in [
            ("bob", oidc, Some("7")),
            ("cid", ldap, None),
            ("dan", ldap, None),
        ] {
            let made = store
                .create_user(&from(account, origin, subject), None, at(1))
                .await;
            made.expect("a user");
        }
        let found = async |origin, subject: &str| {
            let found = store.find_outside(origin, subject).await.expect("read");
            found.map(|user| user.account)
        };
        assert_eq!(found(ldap, "7").await.as_deref(), Some("ann"));
        assert_eq!(found(oidc, "7").await.as_deref(), Some("bob"));
        assert_eq!(found(Origin::Local, "7").await, None);
        assert_eq!(found(ldap, "8").await, None);

        let refused = store.set_password(ann.id, &password("p"), at(2)).await;
        assert!(matches!(refused, Err(AccountsError::Outside)));
        let named = store
            .change_user(ann.id, None, &from("ann", ldap, None), at(2))
            .await;
        assert_eq!(
            named.expect("changed").subject.as_deref(),
            Some("7"),
            "it stays"
        );

        let session_of_ann = Digest([1; 32]);
        let begun = store.start_session(session_of_ann, &session(ann.id)).await;
        begun.expect("begun");
        let local = store
            .change_user(ann.id, None, &draft("ann", &[]), at(3))
            .await;
        let local = local.expect("changed");
        assert_eq!((local.origin, local.subject), (Origin::Local, None));
        assert_eq!(
            store.session(session_of_ann, at(11)).await.expect("read"),
            None
        );
        store
            .set_password(ann.id, &password("p"), at(4))
            .await
            .expect("its own now");
        let back = store
            .change_user(ann.id, None, &from("ann", ldap, None), at(5))
            .await;
        assert_eq!(back.expect("changed").subject, None);
        let (_, hash) = store.find_user("ann").await.expect("read").expect("there");
        assert_eq!(hash, None);
    });
}

#[test]
fn what_is_kept_of_a_sign_in_is_taken_once_and_in_time() {
    let name = "what_is_kept_of_a_sign_in_is_taken_once_and_in_time";
    on_each(name, async |store| {
        let keep = async |digest: u8, ends: i64| {
            let kept = store
                .keep_sign_in(Digest([digest; 32]), "kept", at(1), at(ends))
                .await;
            kept.expect("kept");
        };
        let take = async |digest: u8, now: i64| {
            let taken = store.take_sign_in(Digest([digest; 32]), at(now)).await;
            taken.expect("read")
        };
        keep(1, 10).await;
        keep(2, 10).await;
        assert_eq!(take(3, 2).await, None);
        assert_eq!(take(1, 9).await.as_deref(), Some("kept"));
        assert_eq!(take(1, 9).await, None, "once");
        assert_eq!(take(2, 10).await, None, "too late");
    });
}

#[test]
fn a_token_is_its_users_and_ends() {
    on_each("a_token_is_its_users_and_ends", async |store| {
        let ann = store.create_user(&draft("ann", &[]), None, at(1)).await;
        let ann = ann.expect("a user").id;
        let wanted = TokenDraft {
            user: ann,
            name: "nightly".into(),
            permissions: vec![Permission::Read, Permission::Execute],
            expires_at: Some(at(50)),
        };
        let digest = Digest([7; 32]);
        let made = store
            .create_token(digest, &wanted, at(2))
            .await
            .expect("made");
        assert_eq!(
            (made.account.as_str(), &made.permissions),
            ("ann", &wanted.permissions)
        );
        let known = store
            .find_token(digest, at(3))
            .await
            .expect("read")
            .expect("known");
        assert_eq!(known.proof, made);
        store.see_token(made.id, at(4)).await.expect("seen");
        let list = |text: &str| TokenQuery {
            user: Some(ann),
            text: text.into(),
            sort: NamedSort::Name,
            page: all(),
        };
        let listed = store.tokens(&list("NIGHT")).await.expect("a page").items;
        assert_eq!(listed[0].used_at, Some(at(4)));

        let weaker = TokenDraft {
            name: "daily".into(),
            permissions: vec![Permission::Read],
            expires_at: Some(at(60)),
            ..wanted.clone()
        };
        let stale = store.change_token(made.id, Some(2), &weaker, at(5)).await;
        assert!(matches!(stale, Err(AccountsError::Stale { current: 1 })));
        let changed = store.change_token(made.id, Some(1), &weaker, at(5)).await;
        let changed = changed.expect("changed");
        assert_eq!((changed.version, changed.updated_at), (2, at(5)));
        assert_eq!(changed.permissions, [Permission::Read]);
        let found = store.tokens(&list("daily")).await.expect("a page").items;
        assert_eq!(found, [changed]);
        let lost = store.tokens(&list("night")).await.expect("a page").items;
        assert_eq!(lost, []);
        let known = store.find_token(digest, at(55)).await.expect("read");
        assert!(known.is_some(), "it has more time");
        let wanted = TokenDraft {
            expires_at: Some(at(50)),
            ..weaker
        };
        let changed = store.change_token(made.id, None, &wanted, at(6)).await;
        assert_eq!(changed.expect("changed").version, 3);
        let unknown = store.change_token(TokenId(99), None, &wanted, at(6)).await;
        assert!(matches!(unknown, Err(AccountsError::Unknown)));
        assert_eq!(
            store.find_token(digest, at(50)).await.expect("read"),
            None,
            "over"
        );

        store.delete_token(made.id).await.expect("ended");
        assert_eq!(store.find_token(digest, at(3)).await.expect("read"), None);
        let unknown = store.delete_token(made.id).await;
        assert!(matches!(unknown, Err(AccountsError::Unknown)));
        store
            .create_token(digest, &wanted, at(2))
            .await
            .expect("made");
        store.delete_user(ann, None).await.expect("gone");
        assert_eq!(store.find_token(digest, at(3)).await.expect("read"), None);
    });
}

#[test]
fn the_audit_trail_is_searched_and_paged() {
    on_each("the_audit_trail_is_searched_and_paged", async |store| {
        let entry = |number: u32, account: &str| AuditEntry {
            at: at(i64::from(number)),
            account: account.into(),
            address: "10.0.0.1".into(),
            method: "session".into(),
            action: "change".into(),
            kind: "flow".into(),
            object: Some(u64::from(number)),
            name: format!("Flow {number}"),
            before: None,
            after: Some("{}".into()),
        };
        let entries: Vec<_> = (1..=5)
            .map(|number| entry(number, if number % 2 == 0 { "bob" } else { "ann" }))
            .collect();
        store.record(&entries).await.expect("written");
        let query = AuditQuery {
            account: None,
            action: None,
            kind: None,
            object: None,
            text: String::new(),
            since: None,
            until: None,
            page: PageRequest {
                limit: 2,
                direction: Direction::Descending,
                ..all()
            },
        };
        let first = store.audit(&query).await.expect("a page");
        let told: Vec<_> = first.items.iter().map(|row| row.entry.clone()).collect();
        assert_eq!(told, [entries[4].clone(), entries[3].clone()]);
        let mut next = query.clone();
        next.page.after = first.next;
        assert_eq!(
            store.audit(&next).await.expect("a page").items[0].entry,
            entries[2]
        );

        let count = async |query: AuditQuery| {
            let query = AuditQuery {
                page: all(),
                ..query
            };
            store.audit(&query).await.expect("a page").items.len()
        };
        let by = |change: &dyn Fn(&mut AuditQuery)| {
            let mut query = query.clone();
            change(&mut query);
            query
        };
        assert_eq!(count(by(&|it| it.account = Some("bob".into()))).await, 2);
        assert_eq!(count(by(&|it| it.object = Some(3))).await, 1);
        assert_eq!(count(by(&|it| it.action = Some("delete".into()))).await, 0);
        assert_eq!(count(by(&|it| it.text = "FLOW 4".into())).await, 1);
        assert_eq!(
            count(by(&|it| (it.since, it.until) = (Some(at(2)), Some(at(4))))).await,
            2
        );
    });
}

#[test]
fn two_who_take_the_last_two_away_come_one_after_the_other() {
    let name = "two_who_take_the_last_two_away_come_one_after_the_other";
    on_each(name, async |store| {
        let admin = store
            .create_role(&role("admin", Permission::ALL, &[]), at(1))
            .await;
        let admin = admin.expect("a role").id;
        let mut ids = Vec::new();
        for account in ["ann", "bob"] {
            let made = store
                .create_user(&draft(account, &[admin]), None, at(1))
                .await;
            ids.push(made.expect("a user").id);
        }
        let away = async |id| store.delete_user(id, None).await;
        let both = async { tokio::join!(away(ids[0]), away(ids[1])) };
        let (a, b) = tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .expect("in time");
        assert_eq!(a.is_ok() as u8 + b.is_ok() as u8, 1, "{a:?} {b:?}");
    });
}

//! Passwords that a directory checks, as `.ci/ldap start DIR` gives its URL.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{Bed, PASSWORD, hcndc, parts, support::skip};

const PEOPLE: &str = "ou=people,dc=hcndc,dc=test";
const GROUPS: &str = "ou=groups,dc=hcndc,dc=test";

/// The directory.
struct Given {
    plain: String,
    tls: String,
    ca: String,
    password: String,
}

impl Given {
    fn by_environment(test: &str) -> Option<Self> {
        let url = std::env::var("HCNDC_TEST_LDAP_URL")
            .ok()
            .filter(|url| !url.is_empty());
        let Some(url) = url else {
            skip(test, "HCNDC_TEST_LDAP_URL is not set");
            return None;
        };
        let parts = parts(&url);
        Some(Self {
            plain: url.split("/?").next().unwrap().to_owned(),
            tls: format!("ldaps://127.0.0.1:{}", parts["ldaps_port"]),
            ca: parts["ca"].clone(),
            password: parts["password"].clone(),
        })
    }

    /// Arguments of a command that asks it.
    fn arguments(&self, url: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap().keep();
        let file = folder.join("password");
        fs::write(&file, &self.password).unwrap();
        let file = file.to_str().unwrap();
        let service = "cn=service,dc=hcndc,dc=test";
        [
            "--ldap-url",
            url,
            "--ldap-base",
            PEOPLE,
            "--ldap-bind-dn",
            service,
            "--ldap-bind-password-file",
            file,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn bed(&self, url: &str, more: &[&str]) -> Bed {
        let usual = self.arguments(url);
        let usual: Vec<&str> = usual.iter().map(String::as_str).collect();
        Bed::new(&[&usual[..], more].concat())
    }

    /// Changes the directory.
    fn change(&self, ldif: &str) {
        let mut child = Command::new("ldapmodify")
            .args([
                "-x",
                "-H",
                &self.tls,
                "-D",
                "cn=admin,dc=hcndc,dc=test",
                "-w",
                &self.password,
            ])
            .env("LDAPTLS_CACERT", &self.ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(ldif.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success(), "{ldif}");
    }
}

const CREATE: [&str; 8] = [
    "--ldap-newcomers",
    "create",
    "--ldap-newcomer-role",
    "viewer",
    "--ldap-role",
    "etl-admins=admin",
    "--ldap-role",
    "cn=ops,ou=groups,dc=hcndc,dc=test=operator",
];

#[test]
fn people_of_the_directory_sign_in_over_starttls_and_over_tls() {
    let Some(given) = Given::by_environment("people_of_the_directory_sign_in") else {
        return;
    };
    let search = [
        "--ldap-group-filter",
        "(member={dn})",
        "--ldap-group-base",
        GROUPS,
    ];
    for (url, more) in [(&given.plain, &[][..]), (&given.tls, &search[..])] {
        let ca = ["--ldap-ca", &given.ca];
        let bed = given.bed(url, &[&ca[..], &CREATE, more].concat());
        let ann = bed.sign_in("Ann", "ann-password").expect(201);
        assert_eq!(
            (&ann["account"], &ann["origin"]),
            (&json!("ann"), &json!("ldap"))
        );
        assert_eq!(ann["name"], "Ann of the Directory");
        assert_eq!(
            ann["roles"],
            json!(["admin", "operator", "viewer"]),
            "{url}"
        );
        let bob = bed.sign_in("bob", "bob-password").expect(201);
        assert_eq!(bob["roles"], json!(["operator", "viewer"]));
        for (account, password) in [
            ("ann", "wrong"),
            ("ann", ""),
            ("nobody", "ann-password"),
            ("*", "ann-password"),
            ("*)(uid=ann", "ann-password"),
            ("ann,ou=people", "ann-password"),
        ] {
            let answer = bed.sign_in(account, password);
            assert_eq!(answer.problem(), (401, "wrong_password"), "{account}");
        }
        let boss = bed.boss();
        assert_eq!(boss.find_user("ann")["subject"].as_str().unwrap().len(), 36);
        let tried = boss.audit("sign_in");
        assert_eq!(
            (&tried[1]["account"], &tried[1]["method"]),
            (&json!("bob"), &json!("ldap"))
        );
        let all = boss.get("api/v1/audit?limit=1000").expect(200).to_string();
        assert!(!all.contains("ann-password"), "{all}");
    }
}

#[test]
fn nobody_of_the_directory_takes_a_local_account_over() {
    let Some(given) = Given::by_environment("nobody_of_the_directory_takes") else {
        return;
    };
    let by_mail = ["--ldap-filter", "(|(uid={account})(mail={account}))"];
    let ca = ["--ldap-ca", &given.ca];
    let bed = given.bed(&given.plain, &[&ca[..], &by_mail, &CREATE].concat());
    // Under its own name the local account's password counts, and under another the account is taken.
    let answer = bed.sign_in("admin", "admin-password");
    assert_eq!(answer.problem(), (401, "wrong_password"));
    let answer = bed.sign_in("admin@hcndc.test", "admin-password");
    assert_eq!(answer.problem(), (409, "account_taken"));
    let boss = bed.boss();
    let admin = boss.find_user("admin");
    assert_eq!(
        (&admin["origin"], &admin["signed_in_at"]),
        (&json!("local"), &json!(null))
    );
    assert_eq!(
        boss.audit("sign_in_failed")[0]["after"]["reason"],
        "account_taken"
    );
    // Somebody is the same under both names, and stays who they are when they are renamed here.
    bed.sign_in("cid@hcndc.test", "cid-password").expect(201);
    let path = format!("api/v1/users/{}", boss.find_user("cid")["id"]);
    boss.call("PATCH", &path, &json!({"account": "sid"}))
        .expect(200);
    let renamed = bed.sign_in("cid", "cid-password").expect(201);
    assert_eq!(renamed["account"], "sid");
    // Disabled here is out, whatever the directory says.
    boss.call("PATCH", &path, &json!({"enabled": false}))
        .expect(200);
    let answer = bed.sign_in("cid", "cid-password");
    assert_eq!(answer.problem(), (401, "wrong_password"));
}

#[test]
fn newcomers_are_refused_unless_they_are_expected_and_groups_are_looked_at_each_time() {
    let Some(given) = Given::by_environment("newcomers_are_refused_unless") else {
        return;
    };
    let ca = [
        "--ldap-ca",
        &given.ca,
        "--ldap-role",
        "night-shift=operator",
    ];
    let bed = given.bed(&given.plain, &ca);
    assert_eq!(bed.sign_in("bob", "bob-password").status, 401);
    bed.user("bob", &["--origin", "ldap", "--role", "viewer"], None);
    assert_eq!(
        bed.sign_in("bob", "bob-password").expect(201)["roles"],
        json!(["viewer"])
    );
    let group = format!("cn=night-shift,{GROUPS}");
    let bob = format!("uid=bob,{PEOPLE}");
    given.change(&format!(
        "dn: {group}\nchangetype: add\nobjectClass: groupOfNames\ncn: night-shift\nmember: {bob}\n"
    ));
    let roles = bed.sign_in("bob", "bob-password").expect(201)["roles"].clone();
    given.change(&format!("dn: {group}\nchangetype: delete\n"));
    assert_eq!(roles, json!(["operator", "viewer"]));
    assert_eq!(
        bed.sign_in("bob", "bob-password").expect(201)["roles"],
        json!(["viewer"])
    );
    for _ in 0..5 {
        assert_eq!(bed.sign_in("bob", "wrong").status, 401);
    }
    let answer = bed.sign_in("bob", "bob-password");
    assert_eq!(answer.problem(), (429, "too_many_attempts"));
}

#[test]
fn local_users_sign_in_while_the_directory_is_away_or_not_believed() {
    let Some(given) = Given::by_environment("local_users_sign_in_while") else {
        return;
    };
    let away = "ldap://127.0.0.1:9".to_owned();
    for (url, why) in [
        (&away, "Connection refused"),
        (&given.plain, "UnknownIssuer"),
        (&given.tls, "UnknownIssuer"),
    ] {
        let bed = given.bed(url, &CREATE);
        let answer = bed.sign_in("ann", "ann-password");
        assert_eq!(answer.problem(), (503, "directory_unavailable"), "{url}");
        bed.sign_in("boss", PASSWORD).expect(201);
        let mut check = vec!["user".to_owned(), "check".to_owned(), "ann".to_owned()];
        check.extend(given.arguments(url));
        let check: Vec<&str> = check.iter().map(String::as_str).collect();
        let output = hcndc(&check, "");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.contains(why),
            "{url}: {told}"
        );
    }
}

#[test]
fn a_command_tells_step_by_step_what_the_directory_says() {
    let Some(given) = Given::by_environment("a_command_tells_step_by_step") else {
        return;
    };
    let check = |account: &str, password: &str, more: &[&str]| {
        let mut usual = given.arguments(&given.plain);
        // What a case says itself is said once.
        for pair in more.chunks(2) {
            if let Some(at) = usual.iter().position(|it| it == pair[0]) {
                usual.drain(at..at + 2);
            }
        }
        let mut all = vec![
            "user",
            "check",
            account,
            "--ldap-ca",
            &given.ca,
            "--password-stdin",
        ];
        all.extend(usual.iter().map(String::as_str));
        all.extend(more);
        let output = hcndc(&all, password);
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(told).unwrap())
    };
    let (good, told) = check("ann", "ann-password", &["--ldap-role", "ops=operator"]);
    assert!(good, "{told}");
    for line in [
        "entry: uid=ann,ou=people,dc=hcndc,dc=test",
        "roles by groups: operator",
        "the password is right",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let (good, told) = check("ann", "wrong", &[]);
    assert!(!good && told.contains("the password is wrong"), "{told}");
    let (good, told) = check("nobody", "x", &[]);
    assert!(!good && told.contains("nobody is meant"), "{told}");
    let (good, told) = check("ann", "x", &["--ldap-filter", "(objectClass={account}*)"]);
    assert!(!good, "{told}");
    let (good, told) = check("ann", "x", &["--ldap-account-attribute", "employeeNumber"]);
    assert!(!good && told.contains("--ldap-account-attribute"), "{told}");
    // The directory's own words: who searches is refused, and so is whoever sends a password in clear.
    let (good, told) = check("ann", "x", &["--ldap-bind-dn", "cn=other,dc=hcndc,dc=test"]);
    assert!(!good && told.contains("invalidCredentials"), "{told}");
    let (good, told) = check("ann", "x", &["--ldap-insecure"]);
    assert!(!good && told.contains("confidentialityRequired"), "{told}");
}

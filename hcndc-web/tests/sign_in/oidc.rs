//! Sign-in by providers of OpenID Connect, as `.ci/oidc start DIR` gives their URLs; each of them gets each test.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{Answer, Bed, Caller, browser::Browser, parts, support::skip};

const START: &str = "api/v1/session/oidc/start";

/// The provider, and a client of it.
struct Given {
    issuer: String,
    secret: String,
}

impl Given {
    /// All that there are.
    fn by_environment(test: &str) -> Vec<Self> {
        let urls = std::env::var("HCNDC_TEST_OIDC_URLS").unwrap_or_default();
        if urls.trim().is_empty() {
            skip(test, "HCNDC_TEST_OIDC_URLS is not set");
        }
        let urls = urls.split_whitespace().map(|url| Self {
            issuer: url.split("/?").next().unwrap().to_owned(),
            secret: parts(url)["client_secret"].clone(),
        });
        urls.collect()
    }

    /// A server that sends people there.
    fn bed(&self, secret: &str, more: &[&str]) -> (Bed, PathBuf) {
        let folder = tempfile::tempdir().unwrap().keep();
        let file = folder.join("secret");
        std::fs::write(&file, secret).unwrap();
        let usual = [
            "--oidc-issuer",
            &self.issuer,
            "--oidc-client-id",
            "hcndc",
            "--oidc-client-secret-file",
            file.to_str().unwrap(),
            "--oidc-label",
            "House account",
        ];
        (Bed::new(&[&usual[..], more].concat()), folder)
    }
}

const CREATE: [&str; 8] = [
    "--oidc-newcomers",
    "create",
    "--oidc-newcomer-role",
    "viewer",
    "--oidc-role",
    "etl-admins=admin",
    "--oidc-role",
    "ops=operator",
];

fn form(account: &str) -> String {
    format!("account={account}&password={account}-password")
}

/// Goes to the provider and back; what the server says then.
fn round(bed: &Bed, browser: &mut Browser, account: &str, next: &str) -> (String, Answer) {
    let start = browser.get(&format!("{}{START}{next}", bed.server.base()));
    assert_eq!(start.status, 303, "{start:?}");
    let back = browser.sign_in_there(start.header("location"), &form(account));
    let answer = browser.get(&back);
    assert_eq!(answer.status, 303, "{answer:?}");
    (back, answer)
}

fn refused(answer: &Answer) -> String {
    let to = answer.header("location");
    assert!(to.starts_with("/login/?"), "{to}");
    parts(to)["refused"].clone()
}

/// Whoever this browser is signed in as.
fn session(bed: &Bed, browser: &mut Browser) -> Value {
    browser
        .get(&format!("{}api/v1/session", bed.server.base()))
        .body
}

#[test]
fn somebody_comes_back_signed_in_with_the_roles_of_their_groups() {
    for given in Given::by_environment("somebody_comes_back_signed_in") {
        let (bed, _) = given.bed(&given.secret, &CREATE);
        let ways = Caller::nobody(bed.server.base())
            .get("api/v1/session/ways")
            .expect(200);
        assert_eq!(ways["oidc"]["label"], "House account");
        let mut browser = Browser::default();
        let (back, answer) = round(&bed, &mut browser, "bob", "?next=/execute/%3Ftab=jobs");
        assert_eq!(answer.header("location"), "/execute/?tab=jobs");
        let cookies = &answer.headers["set-cookie"];
        let own = cookies
            .iter()
            .find(|it| it.starts_with("hcndc_session="))
            .unwrap();
        assert!(own.contains("HttpOnly; SameSite=Strict"), "{own}");
        let told = session(&bed, &mut browser);
        assert_eq!(
            (&told["account"], &told["origin"]),
            (&json!("bob"), &json!("oidc"))
        );
        assert_eq!(told["roles"], json!(["operator", "viewer"]));
        assert_eq!(told["name"], "bob of the provider");

        // The same way back a second time, here and in another browser, with what the first one was given.
        assert_eq!(refused(&browser.get(&back)), "sign_in_expired");
        let boss = bed.boss();
        let made = boss.find_user("bob");
        assert_eq!(made["subject"], format!("{} subject-of-bob", given.issuer));
        assert_eq!(boss.audit("create")[0]["method"], "oidc");
        assert_eq!(boss.audit("sign_in")[1]["account"], "bob");

        // A role that a group gives is taken with it; others stay.
        let change = json!({"roles": ["admin", "viewer", "developer"]});
        let path = format!("api/v1/users/{}", made["id"]);
        boss.call("PATCH", &path, &change).expect(200);
        round(&bed, &mut Browser::default(), "bob", "");
        assert_eq!(
            boss.find_user("bob")["roles"],
            json!(["developer", "operator", "viewer"])
        );

        // There is no password to change here.
        let boss_sets = boss.call("PUT", &format!("{path}/password"), &json!({}));
        assert_eq!(boss_sets.problem(), (409, "outside_user"));
        assert_eq!(
            bed.sign_in("bob", "bob-password").problem(),
            (401, "wrong_password")
        );
    }
}

#[test]
fn a_way_back_is_one_browsers_and_leads_to_no_other_site() {
    for given in Given::by_environment("a_way_back_is_one_browsers") {
        let (bed, _) = given.bed(&given.secret, &CREATE);
        let base = bed.server.base();
        let mut browser = Browser::default();
        let start = browser.get(&format!("{base}{START}?next=//evil.example.com/"));
        let back = browser.sign_in_there(start.header("location"), &form("cid"));
        // A browser without the cookie, one with another's, and a state that was never given.
        assert_eq!(refused(&Browser::default().get(&back)), "sign_in_expired");
        let mut other = Browser::default();
        other.get(&format!("{base}{START}"));
        assert_eq!(refused(&other.get(&back)), "sign_in_expired");
        let wrong_state = back.replace("state=", "state=x");
        assert_eq!(refused(&browser.get(&wrong_state)), "sign_in_expired");
        assert_eq!(browser.cookie("hcndc_session"), None);

        let mut browser = Browser::default();
        let start = browser.get(&format!("{base}{START}?next=//evil.example.com/"));
        let back = browser.sign_in_there(start.header("location"), &form("cid"));
        // An answer that says it is another provider's, and one whose code was put in from elsewhere.
        let mut elsewhere = Browser::default();
        let theirs = elsewhere.get(&format!("{base}{START}"));
        let theirs = elsewhere.sign_in_there(theirs.header("location"), &form("bob"));
        let foreign = parts(&theirs)["code"].clone();
        let mixed = back.replace(&parts(&back)["code"], &foreign);
        assert_eq!(refused(&browser.get(&mixed)), "provider_gives_no_token");

        let mut browser = Browser::default();
        let (_, answer) = round(&bed, &mut browser, "cid", "?next=//evil.example.com/");
        assert_eq!(answer.header("location"), "/");
    }
}

#[test]
fn nobody_takes_an_account_over_and_the_unwelcome_are_told_why() {
    for given in Given::by_environment("nobody_takes_an_account_over") {
        let (bed, _) = given.bed(&given.secret, &["--oidc-role", "ops=operator"]);
        let why = |account: &str| refused(&round(&bed, &mut Browser::default(), account, "").1);
        assert_eq!(why("ann"), "unknown_person");
        assert_eq!(why("admin"), "account_taken");
        bed.user("ann", &["--role", "viewer", "--origin", "oidc"], None);
        let mut browser = Browser::default();
        round(&bed, &mut browser, "ann", "");
        assert_eq!(
            session(&bed, &mut browser)["roles"],
            json!(["operator", "viewer"])
        );
        let changed = json!({"old": "ann-password", "new": "another password"});
        let csrf = session(&bed, &mut browser)["csrf"]
            .as_str()
            .unwrap()
            .to_owned();
        let cookie = format!("hcndc_session={}", browser.cookie("hcndc_session").unwrap());
        let ann = Caller::nobody(bed.server.base())
            .with("cookie", &cookie)
            .with("x-csrf-token", &csrf);
        let changed = ann.call("PUT", "api/v1/session/password", &changed);
        assert_eq!(changed.problem(), (409, "outside_user"));

        let boss = bed.boss();
        let path = format!("api/v1/users/{}", boss.find_user("ann")["id"]);
        boss.call("PATCH", &path, &json!({"enabled": false}))
            .expect(200);
        assert_eq!(ann.get("api/v1/session").problem(), (401, "signed_out"));
        assert_eq!(why("ann"), "account_disabled");
        let failed = boss.audit("sign_in_failed");
        assert_eq!(failed[0]["after"]["reason"], "account_disabled");

        let mut browser = Browser::default();
        let start = browser.get(&format!("{}{START}", bed.server.base()));
        let back = browser.sign_in_there(start.header("location"), "refuse=1");
        assert_eq!(refused(&browser.get(&back)), "provider_denied");
    }
}

#[test]
fn a_wrong_secret_and_a_provider_that_is_away_are_told_apart() {
    for given in Given::by_environment("a_wrong_secret_and_a_provider_that_is_away") {
        let (bed, _) = given.bed("a wrong secret", &CREATE);
        let (_, answer) = round(&bed, &mut Browser::default(), "bob", "");
        assert_eq!(refused(&answer), "provider_gives_no_token");

        let away = Given {
            issuer: "http://127.0.0.1:9".to_owned(),
            secret: given.secret,
        };
        let (bed, _) = away.bed(&away.secret, &[]);
        let start = Browser::default().get(&format!("{}{START}?next=/job/", bed.server.base()));
        assert_eq!(refused(&start), "provider_unavailable");
        assert_eq!(parts(start.header("location"))["to"], "/job/");
        bed.boss();
    }
}

#[test]
fn a_server_without_a_provider_has_no_such_way() {
    let bed = Bed::new(&[]);
    let nobody = Caller::nobody(bed.server.base());
    assert_eq!(nobody.get(START).problem(), (404, "unknown_route"));
    let ways = nobody.get("api/v1/session/ways").expect(200);
    assert_eq!(
        ways,
        json!({"password": true, "directory": false, "oidc": null})
    );
}

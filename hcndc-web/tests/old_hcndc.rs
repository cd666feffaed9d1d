//! A first HCNDC's database, read from a real MariaDB and put on a real server.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

#[path = "support/mysql.rs"]
#[allow(dead_code, reason = "each test program uses some of it")]
mod mysql;
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use hcndc_web::interchange::{read_mesh, to_yaml};
use mysql::Schema;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection};
use support::Server;

/// What nobody is to see: passwords of the tables, as they are and as they stand there.
const SECRETS: &[&str] = &[
    "warehouse-pw",
    "d2FyZWhvdXNlLXB3",
    "bank-pw",
    "YmFuay1wdw==",
    "mail-pw",
    "robot-token",
    "plain-pw!",
    "old-pw!",
    "5f4dcc3b5aa765d61d8327deb882cf99",
];

fn testdata(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/old-hcndc");
    root.join(name)
}

/// Runs the statements of these files.
fn fill(schema: &Schema, files: &[&str]) {
    let texts = files
        .iter()
        .map(|name| fs::read_to_string(testdata(name)).unwrap());
    execute(schema, &texts.collect::<String>());
}

fn execute(schema: &Schema, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = MySqlConnection::connect(&schema.url).await.unwrap();
        let statements = AssertSqlSafe(statements.to_owned());
        connection.execute(sqlx::raw_sql(statements)).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// What `hcndc import old-hcndc` ended with, and said on both streams.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect(&self.err)
    }
}

/// Runs the command on a database whose password comes by the environment.
fn import(schema: &Schema, password: Option<&str>, args: &[&str]) -> Said {
    let (scheme, rest) = schema.url.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').unwrap();
    let (user, own) = user.split_once(':').unwrap();
    let mut hcndc = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    for name in ["HCNDC_TOKEN", "HCNDC_SERVER", "HCNDC_CONFIG"] {
        hcndc.env_remove(name);
    }
    let output = hcndc
        .env("HCNDC_LANG", "en")
        .env("HCNDC_OLD_PASSWORD", password.unwrap_or(own))
        .args(["import", "old-hcndc", "--from"])
        .arg(format!("{scheme}://{user}@{rest}"))
        .args(args)
        .output()
        .unwrap();
    let said = Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    for secret in SECRETS {
        assert!(!said.out.contains(secret), "{args:?} tells {secret}");
        assert!(!said.err.contains(secret), "{args:?} tells {secret}");
    }
    said
}

/// Compares a text with the file that holds it, which is written anew where `HCNDC_TEST_UPDATE` is 1.
fn compare(name: &str, text: &str) {
    let path = testdata(name);
    if std::env::var_os("HCNDC_TEST_UPDATE").is_some_and(|it| it == "1") {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{}", path.display());
}

#[test]
fn each_row_is_carried_over_or_told() {
    let Some(schema) = Schema::create("each_row_is_carried_over_or_told") else {
        return;
    };
    fill(&schema, &["schema.sql", "rows.sql"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mesh.yaml");
    let written = import(&schema, None, &["-o", file.to_str().unwrap()]);
    assert_eq!(written.code, 0, "{}", written.err);
    compare("expected.yaml", &fs::read_to_string(&file).unwrap());
    compare("expected.txt", &written.err);

    let told = import(&schema, None, &["--json", "--lang", "zh"]);
    let report = &told.json()["report"];
    for (table, count) in report["tables"].as_object().unwrap() {
        let of = |name: &str| count[name].as_u64().unwrap();
        let sum = of("carried") + of("deleted") + of("left_out");
        assert_eq!(of("read"), sum, "{table}: {count}");
    }
    assert_eq!(report["numbers"]["tb_jobs"]["13"], "订单装载/load #13");
    let messages = report["notes"].as_array().unwrap().iter();
    for message in messages.map(|note| note["message"].as_str().unwrap()) {
        assert!(message.chars().any(|it| it > '\u{2e80}'), "{message}");
    }
}

#[test]
fn passwords_go_where_they_are_asked_for_and_nowhere_else() {
    let Some(schema) = Schema::create("passwords_go_where_they_are_asked_for") else {
        return;
    };
    fill(&schema, &["schema.sql", "rows.sql"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mesh.yaml");
    fs::write(&file, "").unwrap();
    let path = file.to_str().unwrap();
    let written = import(&schema, None, &["-o", path, "--with-passwords"]);
    assert_eq!(written.code, 0, "{}", written.err);
    let mesh = read_mesh(&file, &[]).unwrap().file;
    let passwords: Vec<_> = mesh
        .data_sources
        .iter()
        .map(|it| it.password.as_deref())
        .collect();
    assert_eq!(passwords, [Some("warehouse-pw"), None, None]);
    assert_eq!(mesh.file_servers[0].password.as_deref(), Some("bank-pw"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let wrong = import(&schema, Some("not-the-password"), &[]);
    assert_eq!(wrong.code, 1);
    assert!(!wrong.err.contains("not-the-password"), "{}", wrong.err);
}

#[test]
fn a_second_import_changes_nothing() {
    let Some(schema) = Schema::create("a_second_import_changes_nothing") else {
        return;
    };
    fill(&schema, &["schema.sql", "rows.sql"]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let url = server.base().trim_end_matches('/').to_owned();
    let onto = |more: &[&str]| import(&schema, None, &[&["--server", &url], more].concat());

    let plan = onto(&["--plan", "--json", "--detailed-exitcode"]);
    assert_eq!(plan.code, 3, "{}", plan.err);
    let changes = plan.json()["plan"]["changes"].as_array().unwrap().len();
    assert!(changes > 30, "{changes}");
    let put = onto(&[]);
    assert_eq!(put.code, 0, "{}", put.err);
    assert!(put.err.contains("hcndc user password"), "{}", put.err);
    let again = onto(&["--plan", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.starts_with("No changes"), "{}", again.out);

    // What changes in the old one until the evening comes after it.
    execute(
        &schema,
        "UPDATE tb_jobs SET server_script = 'sum2.sh' WHERE job_id = 14",
    );
    let later = onto(&["--plan", "--json"]).json();
    let changes = later["plan"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["name"], "日报-汇总/sum");
    // Passwords came through, and can be told by nobody.
    let sources = server.get("data-sources").to_string();
    assert!(sources.contains("仓库") && !sources.contains("warehouse-pw"));
    let schedule = server.get("schedules?limit=100");
    let names: Vec<_> = schedule["items"].as_array().unwrap().iter().collect();
    let find = |name: &str| names.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(find("每晚")["paused"], false, "{schedule}");
    assert_eq!(find("每周")["paused"], true, "{schedule}");
}

#[test]
fn an_early_database_and_others_are_told_from_it() {
    let Some(schema) = Schema::create("an_early_database") else {
        return;
    };
    let none = import(&schema, None, &[]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("no table tb_interface"), "{}", none.err);

    fill(&schema, &["early.sql"]);
    let early = import(&schema, None, &[]);
    assert_eq!(early.code, 0, "{}", early.err);
    assert!(
        early.err.contains("no table tb_datasource"),
        "{}",
        early.err
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mesh.yaml");
    fs::write(&file, &early.out).unwrap();
    let mesh = read_mesh(&file, &[]).unwrap().file;
    assert_eq!(mesh.flows[0].jobs[1].depends_on[0].job, "第一步");
    // Flows had no parents then, so a schedule started one alone.
    assert!(!mesh.schedules[0].downstream, "{}", to_yaml(&mesh));

    execute(&schema, "ALTER TABLE tb_jobs DROP COLUMN server_script");
    let lacking = import(&schema, None, &["--lang", "zh"]);
    assert_eq!(lacking.code, 2);
    assert!(
        lacking.err.contains("没有列 server_script"),
        "{}",
        lacking.err
    );
}

//! `hcndc db`, as people call it.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

#[path = "support/mysql.rs"]
mod mysql;
mod support;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use mysql::{Schema, execute};
use serde_json::Value;
use support::Server;

/// A call of `hcndc db` on the database at this address.
fn db(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    command
        .env("HCNDC_LANG", "en")
        .env_remove("HCNDC_DATA_DIR")
        .env("HCNDC_DATABASE", url)
        .arg("db")
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

fn fresh_file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hcndc.db");
    (dir, file)
}

/// Each takes its turn, and all find the tables as they should be.
fn many_processes_migrate_at_once(url: &str) {
    let calls: Vec<Child> = (0..4)
        .map(|_| db(url, &["migrate"]).spawn().unwrap())
        .collect();
    for call in calls {
        let output = call.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let status = json(&db(url, &["status", "--json"]).output().unwrap());
    assert_eq!(status["pending"], 0, "{status:#}");
    let found = json(&db(url, &["check", "--json"]).output().unwrap());
    let found = found["findings"].as_array().unwrap();
    assert!(found.iter().all(|it| it["weight"] != "error"), "{found:#?}");
}

#[test]
fn many_processes_migrate_a_new_file_at_once() {
    let (_dir, file) = fresh_file();
    many_processes_migrate_at_once(&sqlite_url(&file));
}

#[test]
fn many_processes_migrate_a_new_mysql_database_at_once() {
    let Some(schema) = Schema::create("many_processes_migrate_a_new_mysql_database_at_once") else {
        return;
    };
    many_processes_migrate_at_once(&schema.url);
}

#[test]
fn status_beside_a_server_says_who_leads() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--no-executor"]);
    let url = sqlite_url(&dir.path().join("hcndc.db"));
    let status = json(&db(&url, &["status", "--json"]).output().unwrap());
    assert_eq!(status["leader"]["leads"], true, "{status:#}");
    assert_eq!(status["product"], "SQLite");
    assert!(server.stop().success());
    let text = stdout(&db(&url, &["status"]).output().unwrap());
    assert!(text.contains("leader      nobody"), "{text}");
    let mut chinese = db(&url, &["status"]);
    let text = stdout(&chinese.env("HCNDC_LANG", "zh").output().unwrap());
    assert!(text.contains("主调度器"), "{text}");
}

#[test]
fn migrate_makes_the_data_folder_and_a_dry_run_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new");
    let call = |args: &[&str]| {
        let mut command = db("", args);
        command.env_remove("HCNDC_DATABASE");
        command.arg("--data-dir").arg(&folder).output().unwrap()
    };
    let refused = call(&["migrate", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(!folder.exists());
    let made = call(&["migrate"]);
    assert!(stdout(&made).contains("_backbone"), "{made:?}");
    let nothing = call(&["migrate", "--dry-run"]);
    assert_eq!(stdout(&nothing), "the tables are up to date\n");
}

/// Every command, and the server, says which migration it does not know.
fn a_newer_schema_is_refused(url: &str) {
    assert!(db(url, &["migrate"]).status().unwrap().success());
    let newer = "INSERT INTO schema_migration VALUES ('m20991231_000001_future', 0)";
    execute(url, &[newer]);
    for args in [&["migrate"] as &[_], &["migrate", "--dry-run"]] {
        let refused = db(url, args).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        let text = stderr(&refused);
        assert!(
            text.contains("m20991231_000001_future") && text.contains("use the newer"),
            "{text}"
        );
    }
    let check = db(url, &["check"]).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    let text = stdout(&check);
    assert!(
        text.contains("error[newer_schema]") && text.ends_with("a server would not start\n"),
        "{text}"
    );
    let status = json(&db(url, &["status", "--json"]).output().unwrap());
    assert_eq!(status["schema"], "m20991231_000001_future");

    let dir = tempfile::tempdir().unwrap();
    let serve = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", "en")
        .args(["serve", "--no-executor", "--listen", "127.0.0.1:0"])
        .args(["--database", url, "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(serve.status.code(), Some(1));
    let text = stderr(&serve);
    assert!(text.contains("m20991231_000001_future"), "{text}");
}

#[test]
fn a_newer_schema_is_refused_on_sqlite() {
    let (_dir, file) = fresh_file();
    a_newer_schema_is_refused(&sqlite_url(&file));
}

#[test]
fn a_newer_schema_is_refused_on_mysql() {
    let Some(schema) = Schema::create("a_newer_schema_is_refused_on_mysql") else {
        return;
    };
    a_newer_schema_is_refused(&schema.url);
}

#[test]
fn check_ends_well_only_where_a_server_would_start() {
    let (_dir, file) = fresh_file();
    let url = sqlite_url(&file);
    assert!(db(&url, &["migrate"]).status().unwrap().success());
    let good = db(&url, &["check"]).output().unwrap();
    assert_eq!(stdout(&good), "a server can start\n");
    assert_eq!(good.status.code(), Some(0));

    execute(&url, &["DROP INDEX execution_by_state"]);
    let bad = db(&url, &["check"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    let text = stdout(&bad);
    assert!(
        text.contains("error[missing]: execution_by_state on execution is missing")
            && text.contains("remedy: "),
        "{text}"
    );
    let mut chinese = db(&url, &["check"]);
    let text = stdout(&chinese.env("HCNDC_LANG", "zh").output().unwrap());
    assert!(
        text.contains("解决办法：") && text.contains("服务将无法启动"),
        "{text}"
    );
}

#[test]
fn a_database_that_is_not_there_is_told_without_its_password() {
    let (dir, file) = fresh_file();
    let missing = db(&sqlite_url(&file), &["check"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(!file.exists() && dir.path().exists());
    // Nothing listens on the port of the discard service.
    let away = db("mysql://u:secret@127.0.0.1:9/hcndc", &["status"]);
    let away = { away }.output().unwrap();
    assert_eq!(away.status.code(), Some(1));
    let text = stderr(&away);
    assert!(
        text.contains("127.0.0.1:9") && !text.contains("secret"),
        "{text}"
    );
    let wrong = db("postgres://h/db", &["status"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

/// A server that has run a flow of two jobs to its end, is stopped, and was so long ago.
fn long_ago(dir: &Path, url: &str) -> u64 {
    let server = Server::start(dir, &[]);
    server.put_mesh(
        "hcndc: 1\nflows: [{name: f, jobs: [{name: a, command: 'true'}, {name: b, command: 'true'}]}]\n",
    );
    let execution = server.start_flows(&["f"]);
    support::wait_for("the execution to end", || {
        server.execution_state(execution) == "succeeded"
    });
    assert!(server.stop().success());
    // 400 days.
    execute(
        url,
        &[
            "UPDATE execution SET ended_at = ended_at - 34560000000000",
            "UPDATE action SET done_at = done_at - 34560000000000",
        ],
    );
    execution
}

fn status_of(server: &Server, method: &str, path: &str) -> u16 {
    let url = format!("{}api/v1/{path}", server.base());
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let answer = match method {
        "GET" => agent.get(&url).call(),
        _ => agent.post(&url).send_empty(),
    };
    answer.unwrap().status().as_u16()
}

#[test]
fn a_server_deletes_old_history_and_says_that_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let url = sqlite_url(&dir.path().join("hcndc.db"));
    let execution = long_ago(dir.path(), &url);
    let server = Server::start(dir.path(), &["--keep-history", "399"]);
    support::wait_for("the execution to go", || {
        status_of(&server, "GET", &format!("executions/{execution}")) == 404
    });
    let resume = format!("executions/{execution}/resume");
    assert_eq!(status_of(&server, "POST", &resume), 404);
    let metrics = ureq::get(format!("{}metrics", server.base())).call();
    support::wait_for("all of it to go", || {
        server.get("job-runs")["items"]
            .as_array()
            .unwrap()
            .is_empty()
    });
    let metrics = metrics.unwrap().body_mut().read_to_string().unwrap();
    assert!(
        metrics.contains("hcndc_pruned_rows_total{table=\"execution\"} 1"),
        "{metrics}"
    );
    // The flow is still known to have succeeded for its date, and runs on.
    assert_eq!(server.get("flows")["items"][0]["data_date"], "2026-11-21");
    let again = server.start_flows(&["f"]);
    support::wait_for("another execution to end", || {
        server.execution_state(again) == "succeeded"
    });
}

#[test]
fn history_goes_by_hand_beside_a_server_that_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let url = sqlite_url(&dir.path().join("hcndc.db"));
    let execution = long_ago(dir.path(), &url);
    let server = Server::start(dir.path(), &["--keep-history", "0", "--keep-audit", "0"]);
    let path = format!("executions/{execution}");
    let call = |args: &[&str]| {
        let output = db(&url, args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    };
    let young = call(&["prune", "--older-than", "401", "--audit-older-than", "0"]);
    assert_eq!(stdout(&young), "nothing is that old\n");
    let plan = json(&call(&["prune", "--dry-run", "--json"]));
    assert_eq!(plan["rows"]["execution"], 1, "{plan:#}");
    assert_eq!(plan["rows"]["job_run"], 2, "{plan:#}");
    assert_eq!(status_of(&server, "GET", &path), 200);
    let done = json(&call(&["prune", "--json"]));
    assert_eq!(done["rows"], plan["rows"]);
    assert_eq!(status_of(&server, "GET", &path), 404);
    let check = call(&["check"]);
    assert_eq!(stdout(&check), "a server can start\n");
}

#[test]
fn history_of_an_older_version_is_left_alone() {
    let (_dir, file) = fresh_file();
    let url = sqlite_url(&file);
    std::fs::write(&file, "").unwrap();
    let refused = db(&url, &["prune"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    assert!(text.contains("run `hcndc db migrate`"), "{text}");
}

const MESH: &str = "\
hcndc: 1
data_sources: [{name: dw, kind: mysql, host: db, password: s3cret}]
flows:
  - name: f
    jobs:
      - {name: a, command: 'echo ${param.zone}', params: {zone: north}}
      - {name: b, command: 'true', depends_on: [a], labels: {disk: ssd}}
schedules: [{name: s, flow: f, trigger: '0 3 * * *', paused: true}]
";

/// A call of `hcndc` on the database at this address.
fn hcndc(url: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    command
        .env("HCNDC_LANG", "en")
        .env_remove("HCNDC_DATA_DIR")
        .env("HCNDC_DATABASE", url);
    command.args(args).output().unwrap()
}

#[test]
fn definitions_go_from_a_server_into_another_database() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("data"), dir.path().join("other.db"));
    let server = Server::start(&data, &["--no-executor"]);
    server.put_mesh(MESH);
    let url = sqlite_url(&data.join("hcndc.db"));
    let file = dir.path().join("mesh.yaml");
    let path = file.to_str().unwrap();
    let exported = hcndc(&url, &["export", "--all", "-o", path]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    let yaml = std::fs::read_to_string(&file).unwrap();
    assert!(
        yaml.contains("name: dw") && !yaml.contains("s3cret"),
        "{yaml}"
    );
    let through = hcndc("", &["export", "--all", "--server", server.base()]);
    assert_eq!(stdout(&through), yaml);

    // Beside a server nobody writes into its database; through it, nothing new is said.
    let refused = hcndc(&url, &["import", path]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("--server"),
        "{}",
        stderr(&refused)
    );
    let through = hcndc("", &["import", path, "--server", server.base()]);
    assert!(
        stdout(&through).contains("0 made, 5 replaced"),
        "{through:?}"
    );
    assert_eq!(server.get("jobs")["items"][0]["version"], 1);

    let other_url = sqlite_url(&other);
    let missing = hcndc(&other_url, &["import", path]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(!other.exists());
    assert!(db(&other_url, &["migrate"]).status().unwrap().success());
    let tried = hcndc(&other_url, &["import", path, "--dry-run"]);
    assert!(stdout(&tried).contains("5 would be made"), "{tried:?}");
    let put = hcndc(&other_url, &["import", path]);
    assert!(stdout(&put).contains("5 made, 0 replaced"), "{put:?}");
    let again = hcndc(&other_url, &["export", "--all"]);
    assert_eq!(stdout(&again), yaml);
    let check = db(&other_url, &["check"]).output().unwrap();
    assert_eq!(stdout(&check), "a server can start\n");
}

#[test]
fn roles_and_users_go_into_another_database_with_their_passwords_only_if_asked() {
    let dir = tempfile::tempdir().unwrap();
    let url = |name: &str| sqlite_url(&dir.path().join(name));
    for name in ["one.db", "two.db", "three.db"] {
        assert!(db(&url(name), &["migrate"]).status().unwrap().success());
    }
    let done = |url: &str, args: &[&str]| {
        let output = hcndc(url, args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        (stdout(&output), stderr(&output))
    };
    let file = dir.path().join("mesh.yaml");
    let path = file.to_str().unwrap();
    let one = url("one.db");
    let role = ["role", "create", "ops", "--permission", "execute"];
    done(&one, &[&role[..], &["--directory", "/retail"]].concat());
    done(&one, &["user", "create", "ann", "--role", "ops"]);
    let (plain, _) = done(&one, &["export", "--all"]);
    assert!(
        plain.contains("account: ann") && !plain.contains("argon2"),
        "{plain}"
    );
    let (none, _) = done(&one, &["export", "--all", "--without-accounts"]);
    assert!(!none.contains("ann") && !none.contains("ops"), "{none}");
    let (whole, _) = done(&one, &["export", "--all", "--with-passwords"]);
    assert!(whole.contains("password_hash: $argon2id$"), "{whole}");

    std::fs::write(&file, &whole).unwrap();
    let (told, _) = done(&url("two.db"), &["import", path, "--dry-run"]);
    assert!(told.contains("2 would be made"), "{told}");
    let (told, warned) = done(&url("two.db"), &["import", path]);
    assert!(
        told.contains("2 made, 0 replaced") && warned.is_empty(),
        "{told}{warned}"
    );
    let (again, _) = done(&url("two.db"), &["export", "--all", "--with-passwords"]);
    assert_eq!(again, whole);

    std::fs::write(&file, &plain).unwrap();
    let (_, warned) = done(&url("three.db"), &["import", path]);
    assert!(
        warned.contains("hcndc user password") && warned.contains("ann"),
        "{warned}"
    );
    let (_, warned) = done(&url("two.db"), &["import", path]);
    assert_eq!(warned, "", "the password that was there has stayed");

    std::fs::write(&file, plain.replace("[ops]", "[nobody]")).unwrap();
    let refused = hcndc(&url("three.db"), &["import", path]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("nobody"), "{}", stderr(&refused));
}

/// What lies in the tables, as anybody who has the file reads it.
fn raw(database: &Path) -> String {
    let mut bytes = std::fs::read(database).unwrap();
    let wal = PathBuf::from(format!("{}-wal", database.display()));
    bytes.extend(std::fs::read(wal).unwrap_or_default());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn passwords_of_definitions_lie_sealed_and_are_sealed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (database, key) = (data.join("hcndc.db"), data.join("secret.key"));
    let server = Server::start(&data, &["--no-executor"]);
    server.put_mesh(MESH);
    server.put_mesh(MESH);
    let source = &server.get("data-sources")["items"][0];
    assert_eq!(
        (&source["version"], &source["has_password"]),
        (&1.into(), &true.into())
    );
    let first = std::fs::read_to_string(&key).unwrap();
    server.stop();
    let lies = raw(&database);
    assert!(
        lies.contains("hcndc-sealed:1:") && !lies.contains("s3cret"),
        "in clear"
    );

    // Another key opens nothing, and the server says so before it does anything.
    let other = dir.path().join("other.key");
    let key_of = |path: &Path| path.to_str().unwrap().to_owned();
    let made = in_folder(&dir.path().join("elsewhere"), &["migrate"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let made = in_folder(
        &dir.path().join("elsewhere"),
        &["rekey", "--key-file", &key_of(&other)],
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    wrong.args([
        "serve",
        "--no-executor",
        "--listen",
        "127.0.0.1:0",
        "--access",
        "open",
    ]);
    wrong
        .env("HCNDC_LANG", "en")
        .arg("--data-dir")
        .arg(&data)
        .arg("--key-file")
        .arg(&other);
    let wrong = wrong.output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let told = stderr(&wrong);
    assert!(
        told.contains("\"dw\"") && told.contains("--key-file"),
        "{told}"
    );

    let sealed = in_folder(&data, &["rekey"]);
    assert!(
        stdout(&sealed).contains("new key: 1"),
        "{}",
        stderr(&sealed)
    );
    let second = std::fs::read_to_string(&key).unwrap();
    assert!(second != first && second.lines().count() == 1, "{second}");
    let server = Server::start(&data, &["--no-executor"]);
    server.put_mesh(MESH);
    assert_eq!(
        server.get("data-sources")["items"][0]["version"],
        2,
        "it is the same password"
    );
}

#[test]
fn a_file_with_faults_is_not_imported() {
    let (dir, database) = fresh_file();
    let url = sqlite_url(&database);
    assert!(db(&url, &["migrate"]).status().unwrap().success());
    let file = dir.path().join("mesh.yaml");
    std::fs::write(&file, MESH.replace("depends_on: [a]", "depends_on: [c]")).unwrap();
    let refused = hcndc(&url, &["import", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("mesh.yaml:7:"),
        "{}",
        stderr(&refused)
    );
}

fn in_folder(dir: &Path, args: &[&str]) -> Output {
    let mut command = db("", args);
    command.env_remove("HCNDC_DATABASE");
    command.arg("--data-dir").arg(dir).output().unwrap()
}

/// After the copy was made, jobs ended that it takes for running, and others ran that it knows nothing of. The executor
/// has seen a later term than the copy's. None of that is taken for what the copy does now.
#[test]
fn a_server_on_an_older_copy_is_neither_locked_out_nor_takes_old_ends_for_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup.db"));
    let (trace, go) = (dir.path().join("trace"), dir.path().join("go"));
    let server = Server::start(&data, &["--slots", "4"]);
    let (trace_at, go_at) = (trace.display(), go.display());
    server.put_mesh(&format!(
        "hcndc: 1\ndefaults: {{retry: {{max: 3}}}}\nflows:\n  \
         - {{name: slow, jobs: [{{name: wait, command: 'echo $HCNDC_ATTEMPT_ID >> {trace_at}; until [ -e {go_at} ]; do sleep 0.05; done'}}]}}\n  \
         - {{name: quick, jobs: [{{name: fails, command: 'exit 3', retry: {{max: 0}}}}]}}\n"
    ));
    let starts = || {
        std::fs::read_to_string(&trace)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let slow = server.start_flows(&["slow"]);
    support::wait_for("the job to run", || starts() == 1);
    let path = backup.to_str().unwrap();
    let made = in_folder(&data, &["backup", path]);
    assert!(made.status.success(), "{}", stderr(&made));
    assert_eq!(
        in_folder(&data, &["backup", path]).status.code(),
        Some(1),
        "it is there"
    );

    // The copy knows nothing of this failure, and would give its attempt's id again.
    let lost = server.start_flows(&["quick"]);
    support::wait_for("it to fail", || server.execution_state(lost) == "failed");
    let in_use = in_folder(&data, &["restore", "--force", path]);
    assert_eq!(in_use.status.code(), Some(1));
    assert!(
        stderr(&in_use).contains("another hcndc serves"),
        "{}",
        stderr(&in_use)
    );
    server.crash();
    let in_the_way = in_folder(&data, &["restore", path]);
    assert!(
        stderr(&in_the_way).contains("--force"),
        "{}",
        stderr(&in_the_way)
    );
    let restored = in_folder(&data, &["restore", "--force", path]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(data.join("hcndc.db.replaced").exists());

    let server = Server::start(&data, &[]);
    assert_eq!(
        status_of(&server, "GET", &format!("executions/{lost}")),
        404
    );
    // What runs of the time after the copy ends first; then the executor goes over to the new realm.
    std::fs::write(&go, "").unwrap();
    support::wait_for("the execution to end", || {
        server.execution_state(slow) != "running"
    });
    assert_eq!(server.execution_state(slow), "succeeded");
    assert_eq!(
        starts(),
        2,
        "what was running when the copy was made runs again"
    );
    let attempts: Vec<_> = std::fs::read_to_string(&trace)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_ne!(attempts[0], attempts[1]);
    let again = server.start_flows(&["quick"]);
    assert!(again > lost + 1_000_000_000, "{again}");
    support::wait_for("it to fail again", || {
        server.execution_state(again) == "failed"
    });
    assert!(server.stop().success());
    let check = in_folder(&data, &["check"]);
    assert_eq!(stdout(&check), "a server can start\n");
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let letter = dir.path().join("letter");
    std::fs::write(&letter, "Dear Anna, ".repeat(1_000)).unwrap();
    let refused = in_folder(&data, &["restore", letter.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let newer = dir.path().join("newer.db");
    let url = sqlite_url(&newer);
    assert!(db(&url, &["migrate"]).status().unwrap().success());
    let future = "INSERT INTO schema_migration VALUES ('m20991231_000001_future', 0)";
    execute(&url, &[future]);
    let refused = in_folder(&data, &["restore", newer.to_str().unwrap()]);
    assert!(
        stderr(&refused).contains("m20991231_000001_future"),
        "{refused:?}"
    );
    assert!(!data.join("hcndc.db").exists());
}

//! The command line against a real server with real jobs: the session of docs/CLI.md as people would type it, and what a
//! page does not show.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

#[path = "connect/proxy.rs"]
#[allow(dead_code, reason = "each test program uses some of it")]
mod proxy;
mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use support::Server;

/// The blocks of a page that are marked as shell, in order.
fn shell_blocks(page: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

/// A command of nobody's own settings.
fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    for name in [
        "HCNDC_TOKEN",
        "HCNDC_SERVER",
        "HCNDC_CONFIG",
        "HCNDC_DATA_DIR",
        "HCNDC_DATABASE",
    ] {
        command.env_remove(name);
    }
    command
        .env("HCNDC_LANG", "en")
        .env("TZ", "UTC")
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

/// A server that asks nobody, and a place to call it from.
struct Site {
    server: Server,
    home: tempfile::TempDir,
    _data: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self {
            server: Server::start(data.path(), &[]),
            home: tempfile::tempdir().unwrap(),
            _data: data,
        }
    }

    fn url(&self) -> &str {
        self.server.base().trim_end_matches('/')
    }

    fn hcndc(&self, args: &[&str]) -> Output {
        let mut hcndc = command(env!("CARGO_BIN_EXE_hcndc"), self.home.path());
        hcndc.env("HCNDC_SERVER", self.url()).args(args);
        hcndc.output().unwrap()
    }

    /// What a command says that does what it is asked.
    #[track_caller]
    fn said(&self, args: &[&str]) -> String {
        let output = self.hcndc(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says on standard error that ends with this exit code.
    #[track_caller]
    fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.hcndc(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.said(args)).unwrap()
    }
}

const MESH: &str = "\
hcndc: 1
flows:
  - name: extract
    directory: /shop
    jobs:
      - {name: orders, command: echo orders}
      - {name: items, command: echo items >&2; exit 3}
  - name: load
    parents: [extract]
    jobs:
      - {name: merge, command: echo merged, depends_on: [extract/items]}
schedules:
  - {name: nightly, flow: extract, trigger: '30 2 * * *'}
";

#[test]
fn the_session_of_the_page_works_as_it_is_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CLI.md");
    let script = shell_blocks(&fs::read_to_string(page).unwrap());
    let site = Site::new();
    let bin = Path::new(env!("CARGO_BIN_EXE_hcndc")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = command("sh", site.home.path())
        .arg("-eu")
        .env("HCNDC_SERVER", site.url())
        .env("PATH", format!("{}:{path}", bin.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    let output = shell.wait_with_output().unwrap();
    let (said, warned) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{warned}");
    for what in [
        "+ job load/orders",
        "Plan: 5 to create, 0 to change, 0 to delete, 0 unchanged.",
        "exit code 2",
        "[2/2] load/orders succeeded",
        "42 orders for 2026-11-21",
        "==> load/orders <==",
        "3 dates, 2026-11-01 to 2026-11-03: 3 job runs",
        "succeeded",
        "No changes: 5 unchanged.",
        "    command: \"echo loaded\" → \"echo done\"",
        "- schedule nightly",
        "exit code 3",
        "exit code 1",
        "flow extract, load: deleted",
    ] {
        assert!(said.contains(what), "{what} is not in:\n{said}\n{warned}");
    }
    for what in [
        "did you mean \"extract\"?",
        "still needed",
        "ops@example.com",
    ] {
        assert!(warned.contains(what), "{what} is not in:\n{warned}\n{said}");
    }
}

/// A job that counts until it is told to stop, seen through a connection that breaks three times.
#[test]
fn what_is_followed_goes_on_where_a_connection_broke() {
    let site = Site::new();
    let stop = site.home.path().join("stop");
    let command_line = format!(
        "i=0; until test -e '{}'; do i=$((i+1)); echo $i; sleep 0.02; done; echo end",
        stop.display()
    );
    let mesh = format!(
        "hcndc: 1\nflows:\n  - name: count\n    jobs: [{{name: up, command: \"{command_line}\"}}]\n"
    );
    site.server.put_mesh(&mesh);
    site.said(&["flow", "run", "count", "--date", "2026-11-21"]);
    let list = site.json(&["execution", "list", "--limit", "1", "--json"]);
    let id = list["items"][0]["id"].to_string();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = site.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = runtime.block_on(proxy::Proxy::start(port));
    let through = format!("http://127.0.0.1:{}", proxy.port);
    let follow = |args: &[&str]| {
        let mut hcndc = command(env!("CARGO_BIN_EXE_hcndc"), site.home.path());
        hcndc
            .env("HCNDC_SERVER", &through)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut watch = follow(&["execution", "watch", &id, "--json"]);
    let mut logs = follow(&["execution", "logs", &id, "count/up", "-f"]);
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    let mut told: Vec<String> = Vec::new();
    for cut in 1..=3 {
        while told.len() < cut * 20 {
            told.push(lines.next().expect("it goes on").unwrap());
        }
        proxy.cut();
    }
    let connections = proxy.connections();
    while told.len() < 80 {
        told.push(lines.next().expect("it goes on").unwrap());
    }
    fs::write(&stop, "").unwrap();
    told.extend(lines.map(Result::unwrap));
    assert!(logs.wait().unwrap().success());
    assert!(watch.wait().unwrap().success());

    // Each line once, in order: nothing lost, nothing doubled.
    assert_eq!(told.pop().as_deref(), Some("end"));
    let expected: Vec<String> = (1..=told.len()).map(|number| number.to_string()).collect();
    assert_eq!(told, expected);
    assert!(connections > 3, "{connections}: it never broke");
}

#[test]
fn what_is_watched_ends_with_the_exit_code_of_its_execution() {
    let site = Site::new();
    site.server.put_mesh(MESH);
    let started = site.hcndc(&["flow", "run", "extract", "--date", "2026-11-21", "--watch"]);
    assert_eq!(started.status.code(), Some(1), "{started:?}");
    let said = String::from_utf8(started.stdout).unwrap();
    assert!(said.contains("extract/items: it exited with 3"), "{said}");
    let list = site.json(&["execution", "list", "--state", "failed", "--json"]);
    let id = list["items"][0]["id"].to_string();
    // Watched once more when it has ended, and as JSON.
    let ended = site.hcndc(&["execution", "watch", &id, "--json"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let ended: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(ended["state"], "failed");
    // A job by a name that one has only; its error output alone.
    let only = [
        "execution",
        "logs",
        &id,
        "items",
        "--stream",
        "stderr",
        "-f",
    ];
    assert_eq!(site.said(&only), "items\n");
    let all = site.said(&["execution", "logs", &id, "-f"]);
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["extract/items | items", "extract/orders | orders"]);
    // All of a job run, with its attempts.
    let runs = site.json(&["job-run", "list", &id, "--state", "failed", "--json"]);
    let run = runs["items"][0]["id"].to_string();
    let shown = site.json(&["job-run", "show", &run, "--json"]);
    assert_eq!(shown["attempts"][0]["exit_code"], 3, "{shown}");
    let shown = site.said(&["job-run", "show", &run]);
    assert!(shown.contains("it exited with 3"), "{shown}");
    let settled = site.said(&["execution", "mark-succeeded", &id, "items"]);
    assert!(
        settled.starts_with(&format!("execution {id}: ")),
        "{settled}"
    );
    let one = site.hcndc(&["execution", "watch", &id]);
    assert!(one.status.success(), "{one:?}");
}

#[test]
fn a_start_with_a_key_is_done_once() {
    let site = Site::new();
    site.server.put_mesh(MESH);
    let start = ["job", "run", "load/merge", "--key", "night-7", "--json"];
    let (first, second) = (site.json(&start), site.json(&start));
    assert_eq!(first["id"], second["id"]);
    let backfill = [
        "backfill",
        "start",
        "load",
        "--from",
        "2026-11-01",
        "--to",
        "2026-11-02",
        "--key",
        "fill-7",
        "--json",
    ];
    let (first, second) = (site.json(&backfill), site.json(&backfill));
    assert_eq!(first["id"], second["id"]);
}

#[test]
fn what_is_wrong_is_told_with_what_to_do_about_it() {
    let site = Site::new();
    site.server.put_mesh(MESH);
    let job = site.refused(2, &["job", "show", "extract/order"]);
    assert!(job.contains("did you mean \"extract/orders\"?"), "{job}");
    let bare = site.refused(2, &["job", "show", "orders"]);
    assert!(bare.contains("flow/job"), "{bare}");
    let flow = site.refused(2, &["flow", "run", "laod"]);
    assert!(flow.contains("did you mean \"load\"?"), "{flow}");
    let gone = site.refused(2, &["execution", "show", "99999"]);
    assert!(gone.contains("99999"), "{gone}");
    let silent = site.refused(2, &["flow", "delete", "load"]);
    assert!(silent.contains("--yes"), "{silent}");
    let needed = site.refused(1, &["flow", "delete", "extract", "--yes"]);
    assert!(needed.contains("load"), "{needed}");
    let nobody = ["flow", "list", "--server", "http://127.0.0.1:1"];
    let nobody = site.refused(1, &nobody);
    assert!(
        nobody.contains("cannot reach http://127.0.0.1:1"),
        "{nobody}"
    );
    let address = site.refused(2, &["flow", "list", "--server", "127.0.0.1:1"]);
    assert!(address.contains("http://host:port"), "{address}");
    let chinese = site.refused(2, &["--lang", "zh", "flow", "show", "laod"]);
    assert!(
        chinese.contains("没有名为 \"laod\" 的任务流；是否指 \"load\"？"),
        "{chinese}"
    );
}

#[test]
fn lists_come_page_by_page_and_whole() {
    let site = Site::new();
    let mut mesh = String::from("hcndc: 1\nflows:\n");
    for at in 0..7 {
        mesh.push_str(&format!("  - {{name: f{at}, directory: /d{}}}\n", at % 2));
    }
    site.server.put_mesh(&mesh);
    let some = site.json(&["flow", "list", "--limit", "3", "--sort", "-name", "--json"]);
    let names: Vec<&str> = some["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["f6", "f5", "f4"]);
    assert!(some["next_cursor"].is_string());
    let all = site.json(&["flow", "list", "--all", "--json"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 7);
    let few = site.hcndc(&["flow", "list", "--limit", "2", "--directory", "/d0"]);
    let (said, warned) = (few.stdout, String::from_utf8(few.stderr).unwrap());
    assert_eq!(String::from_utf8(said).unwrap().lines().count(), 3);
    assert!(warned.contains("--all"), "{warned}");
}

#[test]
fn a_plan_is_the_same_over_the_server_and_in_the_database() {
    let data = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mesh.yaml");
    fs::write(&file, MESH).unwrap();
    let server = Server::start(data.path(), &[]);
    server.put_mesh(MESH);
    let changed = MESH
        .replace("echo orders", "echo ordered")
        .replace(
            "      - {name: items, command: echo items >&2; exit 3}\n",
            "",
        )
        .replace(", depends_on: [extract/items]", "");
    fs::write(&file, changed).unwrap();
    let hcndc = |args: &[&str]| {
        let mut hcndc = command(env!("CARGO_BIN_EXE_hcndc"), home.path());
        let output = hcndc.args(args).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let warned = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said, warned)
    };
    let file = file.to_str().unwrap();
    let dir = data.path().to_str().unwrap().to_owned();
    let url = server.base().trim_end_matches('/').to_owned();
    let there = hcndc(&[
        "plan",
        file,
        "--prune",
        "--server",
        &url,
        "--detailed-exitcode",
    ]);
    assert_eq!(there.0, 3, "{there:?}");
    for line in [
        "~ job extract/orders\n    command: \"echo orders\" → \"echo ordered\"",
        "- job extract/items",
        "~ job load/merge",
        "Plan: 0 to create, 2 to change, 1 to delete, 3 unchanged.",
    ] {
        assert!(there.1.contains(line), "{line} is not in {there:?}");
    }
    assert!(server.stop().success());
    let here = hcndc(&["import", file, "--plan", "--prune", "--data-dir", &dir]);
    assert_eq!((here.0, &here.1), (0, &there.1), "{here:?}");
    let silent = hcndc(&["import", file, "--prune", "--data-dir", &dir]);
    assert_eq!(silent.0, 2, "{silent:?}");
    let done = hcndc(&["import", file, "--prune", "--yes", "--data-dir", &dir]);
    assert_eq!(done.0, 0, "{done:?}");
    assert!(done.1.ends_with("5 replaced, 1 deleted\n"), "{done:?}");
    let again = hcndc(&[
        "import",
        file,
        "--plan",
        "--prune",
        "--detailed-exitcode",
        "--data-dir",
        &dir,
    ]);
    assert_eq!(
        (again.0, &*again.1),
        (0, "No changes: 5 unchanged.\n"),
        "{again:?}"
    );
    // What is needed stays, and so does all else.
    fs::write(file, "hcndc: 1\nflows: [{name: load}]\n").unwrap();
    let needed = hcndc(&["import", file, "--prune", "--yes", "--data-dir", &dir]);
    assert_eq!(needed.0, 1, "{needed:?}");
    assert!(needed.2.contains("nightly"), "{needed:?}");
    support::end_executor(data.path());
}

#[test]
fn users_roles_and_tokens_are_looked_after_over_the_server() {
    let data = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--access", "users"]);
    let url = server.base().trim_end_matches('/').to_owned();
    let hcndc = |token: Option<&str>, args: &[&str]| {
        let mut hcndc = command(env!("CARGO_BIN_EXE_hcndc"), home.path());
        hcndc.args(args);
        if let Some(token) = token {
            hcndc.env("HCNDC_TOKEN", token);
        }
        let output = hcndc.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (
            output.status.code().unwrap(),
            said,
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let dir = data.path().to_str().unwrap();
    let made = hcndc(None, &["token", "create", "cli", "--data-dir", dir]);
    assert_eq!(made.0, 0, "{made:?}");
    let token = made.1.trim().to_owned();
    let server_is = ["--server", &url];
    let with = |args: &[&str]| hcndc(Some(&token), &[args, &server_is].concat());

    let denied = hcndc(None, &["flow", "list", "--server", &url]);
    assert_eq!(denied.0, 1, "{denied:?}");
    assert!(denied.2.contains("HCNDC_TOKEN"), "{denied:?}");
    for args in [
        &["role", "create", "viewers", "--permission", "read"][..],
        &["user", "create", "ann", "--role", "viewers"],
        &["user", "disable", "ann"],
    ] {
        assert_eq!(with(args).0, 0, "{args:?}");
    }
    let users = with(&["user", "list"]);
    assert!(
        users.1.contains("viewers") && users.1.contains("disabled"),
        "{users:?}"
    );
    let near = with(&["user", "enable", "anm"]);
    assert_eq!(near.0, 2, "{near:?}");
    assert!(near.2.contains("did you mean \"ann\"?"), "{near:?}");
    let used = with(&["role", "delete", "viewers"]);
    assert_eq!(used.0, 1, "{used:?}");
    let weak = with(&[
        "token",
        "create",
        "reader",
        "--permission",
        "read",
        "--days",
        "1",
    ]);
    let reader = weak.1.trim().to_owned();
    // The settings file says where and as whom; its token is for its server only.
    let settings = home.path().join("config/hcndc");
    fs::create_dir_all(&settings).unwrap();
    let text = format!("server = \"{url}\"\ntoken = \"{reader}\"\n");
    fs::write(settings.join("config.toml"), text).unwrap();
    let me = hcndc(None, &["whoami"]);
    assert!(me.1.contains("admin") && me.1.contains("read"), "{me:?}");
    assert!(me.2.contains("chmod 600"), "{me:?}");
    let forbidden = hcndc(None, &["flow", "run", "x"]);
    assert_eq!(forbidden.0, 1, "{forbidden:?}");
}

#[test]
fn completions_know_all_commands() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = site.said(&["completions", shell]);
        for word in ["mark-succeeded", "prune-directory", "schedule"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

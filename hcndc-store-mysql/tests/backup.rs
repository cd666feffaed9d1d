//! Copies of databases hold the same, and are led as databases of their own.

mod support;

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hcndc_core::{
    contract::sample,
    engine::Snapshot,
    port::{Commit, Fence, Store as _},
};
use hcndc_store_mysql::{SqlError, SqlOptions, SqlStore, Upkeep};
use support::{block_on, mysql, sqlite};

async fn lead(store: &SqlStore, holder: &str) -> Fence {
    support::lead(store, holder, Duration::from_secs(1)).await
}

fn commit_of(next_id: u64) -> Commit {
    Commit {
        next_id,
        changes: sample::World::new().changes(),
    }
}

async fn upkeep(url: &str) -> Upkeep {
    Upkeep::open(&SqlOptions::new(url)).await.expect("open")
}

/// What a renewed copy of a database that held `before` must be like.
async fn is_one_of_its_own(url: &str, realm: &str, before: &Snapshot) {
    let copy = upkeep(url).await;
    let renewed = copy.renew().await.expect("renew");
    assert_ne!(renewed, realm);
    let leader = copy.status().await.expect("status").leader;
    let leader = leader.expect("somebody led");
    assert_eq!((leader.holder, leader.expires_at), (None, None));
    copy.close().await.expect("close");
    let store = SqlStore::connect(url).await.expect("connect");
    assert_eq!(store.realm().await.expect("realm"), renewed);
    let loaded = store.load().await.expect("load");
    // No id that was given after the copy was made is given again.
    assert!(loaded.next_id > before.next_id + 1_000_000_000);
    let same = Snapshot {
        next_id: loaded.next_id,
        ..before.clone()
    };
    assert_eq!(loaded, same);
    // Another may lead it at once.
    let fence = lead(&store, "another").await;
    let next = commit_of(loaded.next_id + 1);
    store.commit(fence, &next).await.expect("commit");
    store.close().await.expect("close");
}

#[test]
fn a_sqlite_file_is_copied_while_it_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let store = SqlStore::connect(&url).await.expect("connect");
        let fence = lead(&store, "a").await;
        store.commit(fence, &commit_of(100)).await.expect("commit");
        let before = store.load().await.expect("load");
        let realm = store.realm().await.expect("realm");
        let file = directory.path().join("copy's.db");
        let looking = upkeep(&url).await;
        let commit = commit_of(100);
        let (copied, committed) =
            tokio::join!(looking.copy_to(&file), store.commit(fence, &commit));
        copied.expect("copy");
        committed.expect("commit");
        let again = looking.copy_to(&file).await.expect_err("it is there");
        assert!(matches!(again, SqlError::Statement { .. }), "{again:?}");
        let copy = format!("sqlite://{}?mode=rwc", file.display());
        is_one_of_its_own(&copy, &realm, &before).await;
        // Where it came from, all is as it was.
        store.commit(fence, &commit_of(100)).await.expect("commit");
        assert_eq!(store.realm().await.expect("realm"), realm);
    });
}

#[test]
fn whoever_leads_a_database_that_is_renewed_leads_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let store = SqlStore::connect(&url).await.expect("connect");
        let fence = lead(&store, "a").await;
        upkeep(&url).await.renew().await.expect("renew");
        let error = store.commit(fence, &commit_of(100)).await;
        let error = error.expect_err("its term is over");
        assert!(matches!(error, SqlError::Fenced { .. }), "{error:?}");
    });
}

#[test]
fn only_a_database_of_this_version_is_renewed() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        std::fs::write(directory.path().join("hcndc.db"), "").expect("write");
        let empty = upkeep(&sqlite::url(&directory)).await;
        let error = empty.renew().await.expect_err("it has no tables");
        assert!(matches!(error, SqlError::OlderSchema { .. }), "{error:?}");
    });
}

/// How the tools are told where the server is.
struct Place {
    args: Vec<String>,
    password: String,
    database: String,
}

fn place(url: &str) -> Place {
    let rest = url.strip_prefix("mysql://").expect("mysql://");
    let (credentials, rest) = rest.rsplit_once('@').expect("a user");
    let (user, password) = credentials.split_once(':').expect("a password");
    let (host, database) = rest.split_once('/').expect("a database");
    let (host, port) = host.split_once(':').unwrap_or((host, "3306"));
    Place {
        args: vec![
            format!("--host={host}"),
            format!("--port={port}"),
            format!("--user={user}"),
        ],
        password: password.into(),
        database: database.into(),
    }
}

fn tool(name: &str, place: &Place) -> Command {
    let mut tool = Command::new(name);
    // The settings of whoever runs the test are none of ours.
    tool.arg("--no-defaults")
        .args(&place.args)
        .env("MYSQL_PWD", &place.password);
    tool
}

fn has_tools() -> bool {
    let there = |name| {
        let version = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    };
    let there = there("mariadb-dump") && there("mariadb");
    let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
    assert!(
        there || !is_ci,
        "mariadb-dump is needed where HCNDC_CI is 1"
    );
    there
}

fn dump(from: &str, file: &Path) {
    let place = place(from);
    let done = tool("mariadb-dump", &place)
        .args(["--single-transaction", &place.database])
        .stdout(File::create(file).expect("create"))
        .status();
    assert!(done.expect("mariadb-dump").success());
}

#[test]
fn a_dump_of_mariadb_is_restored_into_another_database() {
    let name = "a_dump_of_mariadb_is_restored_into_another_database";
    if mysql::is_skipped(name) || !has_tools() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let (from, to) = (mysql::Schema::create().await, mysql::Schema::create().await);
        let store = SqlStore::connect(&from.url).await.expect("connect");
        let fence = lead(&store, "a").await;
        store.commit(fence, &commit_of(100)).await.expect("commit");
        let before = store.load().await.expect("load");
        let realm = store.realm().await.expect("realm");
        let file = directory.path().join("dump.sql");
        dump(&from.url, &file);
        let place = place(&to.url);
        let done = tool("mariadb", &place)
            .arg(&place.database)
            .stdin(File::open(&file).expect("open"))
            .status();
        assert!(done.expect("mariadb").success());
        is_one_of_its_own(&to.url, &realm, &before).await;
        let error = upkeep(&from.url).await.copy_to(&file).await;
        let error = error.expect_err("it has tools of its own");
        assert!(matches!(error, SqlError::NotSqlite { .. }), "{error:?}");
    });
}

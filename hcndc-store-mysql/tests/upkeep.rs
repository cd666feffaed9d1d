//! Looking after databases: how they stand, and what is found wrong with them.

mod support;

use std::{path::Path, time::Duration};

use hcndc_core::{
    contract::sample,
    port::{Commit, Store as _},
    time::Timestamp,
};
use hcndc_store_mysql::{Finding, Product, SqlError, SqlOptions, SqlStore, Upkeep, Weight};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use support::{block_on, mysql, sqlite};

/// A database with something in it, led by "a" until a second from the epoch.
async fn fill(url: &str) {
    let store = SqlStore::connect(url).await.expect("connect");
    let fence = support::lead(&store, "a", Duration::from_secs(1)).await;
    let commit = Commit {
        next_id: 100,
        changes: sample::World::new().changes(),
    };
    store.commit(fence, &commit).await.expect("commit");
    store.close().await.expect("close");
}

async fn upkeep(url: &str) -> Upkeep {
    Upkeep::open(&SqlOptions::new(url)).await.expect("open")
}

async fn findings(url: &str) -> Vec<Finding> {
    let upkeep = upkeep(url).await;
    // The database's clock is the one that it is compared with.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_micros();
    let now = Timestamp::from_micros(i64::try_from(now).expect("a time"));
    let findings = upkeep.check(now).await.expect("check");
    upkeep.close().await.expect("close");
    findings
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

async fn spoil(url: &str, statements: &[&str]) {
    let db = Database::connect(url).await.expect("connect");
    for statement in statements {
        db.execute_unprepared(statement).await.expect(statement);
    }
    db.close().await.expect("close");
}

async fn status_tells_what_is_there(url: &str) {
    fill(url).await;
    let upkeep = upkeep(url).await;
    let status = upkeep.status().await.expect("status");
    assert!(status.migrations.len() >= 5);
    assert!(
        status
            .migrations
            .iter()
            .all(|step| step.known && step.applied_at.is_some_and(|at| at > sample::at(0))),
        "{:?}",
        status.migrations
    );
    assert!(status.bytes > 10_000, "{}", status.bytes);
    let rows = |table| {
        let found = status.rows.iter().find(|rows| rows.table == table);
        found.expect(table).rows
    };
    let world = sample::World::new().snapshot(100);
    let runs: usize = world.executions.iter().map(|it| it.job_runs.len()).sum();
    assert_eq!(rows("job_run"), runs as u64);
    let leader = status.leader.expect("somebody led");
    assert_eq!(leader.holder.as_deref(), Some("a"));
    // The commit has moved the end on by a moment, as a sign of life.
    assert_eq!(leader.expires_at, Some(sample::at(1_000_001)));
    assert_eq!((leader.fence, leader.next_id), (1, 100));
    upkeep.close().await.expect("close");
}

#[test]
fn status_tells_what_is_there_on_sqlite() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(status_tells_what_is_there(&sqlite::url(&directory)));
}

#[test]
fn status_tells_what_is_there_on_mysql() {
    if mysql::is_skipped("status_tells_what_is_there_on_mysql") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        status_tells_what_is_there(&schema.url).await;
    });
}

#[test]
fn looking_makes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let opened = Upkeep::open(&SqlOptions::new(&url)).await;
        let error = opened.expect_err("there is none");
        assert!(matches!(error, SqlError::Open { .. }), "{error:?}");
        let path = directory.path().join("hcndc.db");
        assert!(!path.exists());

        std::fs::write(&path, "").expect("an empty file is an empty database");
        let upkeep = upkeep(&url).await;
        let status = upkeep.status().await.expect("status");
        assert!(status.migrations.iter().all(|it| it.applied_at.is_none()));
        assert_eq!((status.rows.len(), status.leader), (0, None));
        let found = upkeep.check(sample::at(0)).await.expect("check");
        assert_eq!(codes(&found), ["pending"]);
        upkeep.close().await.expect("close");
        assert_eq!(size(&path), 0);
    });
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).expect("a file").len()
}

#[test]
fn migrating_by_hand_says_which_steps_were_to_come() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let path = directory.path().join("hcndc.db");
        std::fs::write(&path, "").expect("an empty file is an empty database");
        let upkeep = upkeep(&sqlite::url(&directory)).await;
        assert!(upkeep.migrate().await.expect("migrate").len() >= 5);
        assert_eq!(upkeep.migrate().await.expect("again"), []);
        let found = upkeep.check(sample::at(0)).await.expect("check");
        assert_eq!(found, []);
    });
}

#[test]
fn a_good_sqlite_database_has_no_findings() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        fill(&url).await;
        assert_eq!(findings(&url).await, []);
    });
}

#[test]
fn a_good_mysql_database_has_no_findings_but_of_its_server() {
    if mysql::is_skipped("a_good_mysql_database_has_no_findings_but_of_its_server") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        fill(&schema.url).await;
        let found = findings(&schema.url).await;
        // A server for tests need not be a durable one.
        let found: Vec<_> = found
            .iter()
            .filter(|it| it.code() != "durability")
            .collect();
        assert!(found.is_empty(), "{found:?}");
    });
}

/// What is spoiled, how, and what is found then.
const SPOILED: &[(&str, &str)] = &[
    ("DROP INDEX execution_by_state", "missing"),
    ("ALTER TABLE attempt RENAME TO attempts", "missing"),
    (
        "ALTER TABLE job_run RENAME COLUMN exit_code TO code",
        "missing",
    ),
    ("INSERT INTO flow_parent VALUES (1, 777)", "orphans"),
    ("UPDATE job_run SET state = 'dancing'", "unreadable"),
    (
        "INSERT INTO schema_migration VALUES ('m20991231_000001_future', 0)",
        "newer_schema",
    ),
    (
        "DELETE FROM schema_migration WHERE version LIKE '%runs'",
        "pending",
    ),
    ("DROP TABLE schema_migration", "foreign_table"),
];

#[test]
fn what_is_wrong_with_the_tables_is_found() {
    block_on(async {
        for (spoiling, found) in SPOILED {
            let directory = tempfile::tempdir().expect("a directory");
            let url = sqlite::url(&directory);
            fill(&url).await;
            spoil(&url, &[spoiling]).await;
            let findings = findings(&url).await;
            assert!(codes(&findings).contains(found), "{spoiling}: {findings:?}");
        }
    });
}

#[test]
fn an_attempt_without_its_job_run_is_found_and_does_not_keep_a_server_from_starting() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        fill(&url).await;
        let orphan = "INSERT INTO attempt SELECT 9999, execution_id, 8888, number, executor_id, slots, \
            'succeeded', kill_asked, dispatched_at, started_at, ended_at, pid, exit_code, signal, \
            message, peak_memory_bytes, cpu_time_micros, log_bytes FROM attempt LIMIT 1";
        spoil(&url, &[orphan]).await;
        let findings = findings(&url).await;
        let [finding @ Finding::Orphans { reference, rows: 1 }] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert_eq!((reference.table, reference.to), ("attempt", "job_run"));
        assert_eq!(finding.weight(), Weight::Warning);
    });
}

#[test]
fn damage_of_a_file_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        fill(&url).await;
        // The first page of an index goes, and what stands in its place is none.
        let db = Database::connect(&url).await.expect("connect");
        let query = "SELECT rootpage FROM sqlite_schema WHERE name = 'alert_by_rule'";
        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Sqlite, query))
            .await;
        let page: i32 = row
            .expect(query)
            .expect("an index")
            .try_get_by_index(0)
            .expect("a page");
        db.close().await.expect("close");
        let path = directory.path().join("hcndc.db");
        let mut bytes = std::fs::read(&path).expect("read");
        let start = usize::try_from(page - 1).expect("a page") * 4096;
        bytes[start..start + 4096].fill(0x5a);
        std::fs::write(&path, bytes).expect("write");
        let upkeep = upkeep(&url).await;
        let findings = upkeep.check(sample::at(0)).await.expect("check");
        assert!(codes(&findings).contains(&"damaged"), "{findings:?}");
    });
}

#[test]
fn a_mysql_user_who_may_not_change_tables_is_found() {
    if mysql::is_skipped("a_mysql_user_who_may_not_change_tables_is_found") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        fill(&schema.url).await;
        let (_, database) = schema.url.rsplit_once('/').expect("a database");
        let user = format!("u{}", &database[database.len() - 12..]);
        schema
            .execute(&format!("CREATE USER '{user}' IDENTIFIED BY 'pw'"))
            .await;
        let grant = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP";
        schema
            .execute(&format!("GRANT {grant} ON {database}.* TO '{user}'"))
            .await;
        let (_, host) = schema.url.rsplit_once('@').expect("a host");
        let found = findings(&format!("mysql://{user}:pw@{host}")).await;
        schema.execute(&format!("DROP USER '{user}'")).await;
        let denied = found.iter().find_map(|it| match it {
            Finding::Denied { privilege, .. } => Some(*privilege),
            _ => None,
        });
        assert_eq!(denied, Some("ALTER"), "{found:?}");
    });
}

#[test]
fn mysql_tables_of_another_collation_are_found() {
    if mysql::is_skipped("mysql_tables_of_another_collation_are_found") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        fill(&schema.url).await;
        schema
            .execute("ALTER TABLE flow CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
            .await;
        let found = findings(&schema.url).await;
        assert!(
            found
                .iter()
                .any(|it| matches!(it, Finding::TableKind { table, .. } if table == "flow")),
            "{found:?}"
        );
    });
}

#[test]
fn mysql_whose_clock_is_ahead_is_found() {
    if mysql::is_skipped("mysql_whose_clock_is_ahead_is_found") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        fill(&schema.url).await;
        let upkeep = upkeep(&schema.url).await;
        // To a clock that stands at the epoch every other is ahead.
        let epoch = Timestamp::from_micros(0);
        let found = upkeep.check(epoch).await.expect("check");
        assert!(codes(&found).contains(&"clock"), "{found:?}");
        let (product, oldest) = (Product::MariaDb, Product::MySql.oldest());
        assert_eq!((product.name(), oldest), ("MariaDB", (8, 0)));
        upkeep.close().await.expect("close");
    });
}

//! Opening databases that are not as they should be: a clear error each, and nothing spoiled.

mod support;

use std::{error::Error, time::Duration};

use hcndc_core::{
    contract::sample,
    port::{Commit, ErrorKind, PortError as _, Store as _},
};
use hcndc_store_mysql::{SqlError, SqlOptions, SqlStore};
use sea_orm::{ConnectionTrait as _, Database};
use support::{block_on, galera, mysql, sqlite};

/// The error and its causes, as a log would have them.
fn chain(error: &SqlError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn refused(url: &str) -> SqlError {
    let opened = SqlStore::connect(url).await;
    opened.expect_err("this must not open")
}

#[test]
fn an_address_that_is_none_is_refused() {
    block_on(async {
        for url in [
            "",
            "hcndc.db",
            "postgres://h/db",
            "http://x",
            "mysql:",
            "mysql://h:x/db",
        ] {
            let error = refused(url).await;
            assert!(
                matches!(error, SqlError::Address { .. }),
                "{url}: {error:?}"
            );
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
        let error = refused("mysql://user:secret@127.0.0.1:1").await;
        assert!(chain(&error).contains("names no database"), "{error}");
        assert!(!chain(&error).contains("secret"));
    });
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    block_on(async {
        let url = "sqlite:///no/such/directory/hcndc.db?mode=rwc";
        let error = refused(url).await;
        assert!(matches!(error, SqlError::Open { .. }));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = chain(&error);
        assert!(
            text.contains("/no/such/directory") && text.contains("unable to open"),
            "{text}"
        );
    });
}

#[test]
fn a_path_may_hold_what_means_something_in_an_address() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        for name in [
            "100%.db",
            "what?.db",
            "a b#c&d=e.db",
            "日报 🚀.db",
            "%41.db",
        ] {
            let path = directory.path().join(name);
            let store = SqlStore::connect_with(&SqlOptions::file(&path)).await;
            store.expect(name).close().await.expect("close");
            assert!(path.exists(), "{name}");
        }
    });
}

#[test]
fn a_missing_file_is_made_only_if_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory).replace("?mode=rwc", "");
        assert!(matches!(refused(&url).await, SqlError::Open { .. }));
        assert!(!directory.path().join("hcndc.db").exists());
    });
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("hcndc.db");
    let letter = "Dear Anna, ".repeat(1_000);
    std::fs::write(&path, &letter).expect("write");
    block_on(async {
        let error = refused(&sqlite::url(&directory)).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let text = chain(&error);
        assert!(
            text.contains("hcndc.db") && text.contains("not a database"),
            "{text}"
        );
    });
    assert_eq!(std::fs::read_to_string(&path).expect("read"), letter);
}

#[test]
fn a_directory_is_no_database() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = format!("sqlite://{}?mode=rwc", directory.path().display());
        let error = refused(&url).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", chain(&error));
    });
}

#[test]
fn a_file_that_cannot_be_written_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        SqlStore::connect(&url)
            .await
            .expect("connect")
            .close()
            .await
            .expect("close");
        let error = refused(&url.replace("mode=rwc", "mode=ro")).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = chain(&error);
        assert!(text.contains("readonly"), "{text}");
    });
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        SqlStore::connect(&url)
            .await
            .expect("connect")
            .close()
            .await
            .expect("close");
        let db = Database::connect(&url).await.expect("connect");
        let newer = "INSERT INTO schema_migration VALUES ('m20991231_000001_future', 0)";
        db.execute_unprepared(newer).await.expect("insert");
        db.close().await.expect("close");
        let error = refused(&url).await;
        assert!(
            matches!(&error, SqlError::NewerSchema { migration, .. } if migration == "m20991231_000001_future"),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Invalid);
    });
}

#[test]
fn tables_of_another_program_are_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let db = Database::connect(&url).await.expect("connect");
        let theirs = "CREATE TABLE job (applicant text)";
        db.execute_unprepared(theirs).await.expect("create");
        db.close().await.expect("close");
        let error = refused(&url).await;
        assert!(
            matches!(&error, SqlError::ForeignTable { table, .. } if table == "job"),
            "{error:?}"
        );
    });
}

#[test]
fn many_may_open_one_new_file_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { SqlStore::connect(&url).await })
            })
            .collect();
        for store in opening {
            let store = store.await.expect("no panic");
            store.expect("open").load().await.expect("load");
        }
    });
}

#[test]
fn a_commit_waits_for_another_program_that_writes_to_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let store = SqlStore::connect(&url).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
        let other = Database::connect(&url).await.expect("connect");
        let lock = "BEGIN IMMEDIATE";
        other.execute_unprepared(lock).await.expect(lock);
        let commit = Commit {
            next_id: 100,
            changes: sample::World::new().changes(),
        };
        // The commit is asked for first, and can only be answered when the lock is gone.
        let (done, freed) = tokio::join!(
            store.commit(fence, &commit),
            other.execute_unprepared("ROLLBACK")
        );
        freed.expect("free the lock");
        done.expect("it waits");
        assert_eq!(store.load().await.expect("load").next_id, 100);
    });
}

#[test]
fn a_row_that_makes_no_sense_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let store = SqlStore::connect(&url).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
        let commit = Commit {
            next_id: 100,
            changes: sample::World::new().changes(),
        };
        store.commit(fence, &commit).await.expect("commit");
        for (statement, what) in [
            (
                "UPDATE job_run SET state = 'dancing' WHERE id = 52",
                "job_run 52: state",
            ),
            (
                "UPDATE job_run SET state = 'queued', attempt = -1 WHERE id = 52",
                "job_run 52: attempt",
            ),
            (
                "UPDATE job_run SET attempt = 1 WHERE id = 52; DELETE FROM job_version WHERE job_id = 12",
                "job_run 52 needs version 1 of job 12",
            ),
        ] {
            let db = Database::connect(&url).await.expect("connect");
            db.execute_unprepared(statement).await.expect(statement);
            db.close().await.expect("close");
            let error = store.load().await.expect_err(what);
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(chain(&error).contains(what), "{}", chain(&error));
        }
    });
}

#[test]
fn an_id_that_no_column_can_hold_is_refused() {
    block_on(async {
        let store = SqlStore::connect("sqlite::memory:").await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
        let commit = Commit {
            next_id: 1,
            changes: vec![sample::put_flow(&sample::flow(u64::MAX, "f"))],
        };
        let error = store.commit(fence, &commit).await.expect_err("too large");
        assert!(matches!(error, SqlError::TooLarge { .. }));
        assert_eq!(error.kind(), ErrorKind::Invalid);
    });
}

#[test]
fn a_closed_store_is_unavailable() {
    block_on(async {
        let store = SqlStore::connect("sqlite::memory:").await.expect("connect");
        store.close().await.expect("close");
        let error = store.load().await.expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", chain(&error));
    });
}

#[test]
fn options_do_not_show_the_password() {
    let options = SqlOptions::new("mysql://user:secret@host/db");
    let text = format!("{options:?}");
    assert!(
        text.contains("host/db") && !text.contains("secret"),
        "{text}"
    );
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    block_on(async {
        // Nothing listens on the port of the discard service.
        let error = refused("mysql://user:secret@127.0.0.1:9/hcndc").await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = chain(&error);
        assert!(
            text.contains("127.0.0.1:9") && text.contains("refused"),
            "{text}"
        );
        assert!(!text.contains("secret"));
    });
}

#[test]
fn mysql_tells_of_a_missing_database_and_a_wrong_password() {
    if mysql::is_skipped("mysql_tells_of_a_missing_database_and_a_wrong_password") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let error = refused(&format!("{}_that_is_not_there", schema.url)).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{}", chain(&error));
        let (scheme, rest) = schema.url.split_once("://").expect("scheme://");
        let (_, host) = rest.rsplit_once('@').expect("a user");
        let error = refused(&format!("{scheme}://nobody:wrong@{host}")).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{}", chain(&error));
        assert!(chain(&error).contains("denied"), "{}", chain(&error));
    });
}

#[test]
fn mysql_refuses_newer_and_foreign_tables() {
    if mysql::is_skipped("mysql_refuses_newer_and_foreign_tables") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        schema.execute("CREATE TABLE job (applicant text)").await;
        let error = refused(&schema.url).await;
        assert!(matches!(error, SqlError::ForeignTable { .. }), "{error:?}");
        schema.execute("DROP TABLE job").await;
        SqlStore::connect(&schema.url).await.expect("connect");
        let newer = "INSERT INTO schema_migration VALUES ('m20991231_000001_future', 0)";
        schema.execute(newer).await;
        let error = refused(&schema.url).await;
        assert!(matches!(error, SqlError::NewerSchema { .. }), "{error:?}");
    });
}

#[test]
fn mysql_goes_on_with_a_migration_that_was_cut_off() {
    if mysql::is_skipped("mysql_goes_on_with_a_migration_that_was_cut_off") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        SqlStore::connect(&schema.url).await.expect("connect");
        schema.execute("DROP TABLE attempt, job_run").await;
        schema.execute("DELETE FROM schema_migration").await;
        let store = SqlStore::connect(&schema.url).await.expect("connect again");
        store.load().await.expect("load");
    });
}

#[test]
fn mysql_may_be_opened_by_many_at_once() {
    if mysql::is_skipped("mysql_may_be_opened_by_many_at_once") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let url = schema.url.clone();
                tokio::spawn(async move { SqlStore::connect(&url).await })
            })
            .collect();
        for store in opening {
            let store = store.await.expect("no panic");
            store.expect("open").load().await.expect("load");
        }
    });
}

#[test]
fn a_cluster_may_be_opened_by_many_at_once_through_all_its_nodes() {
    if galera::is_skipped("a_cluster_may_be_opened_by_many_at_once_through_all_its_nodes") {
        return;
    }
    block_on(async {
        let nodes = galera::nodes();
        for _ in 0..3 {
            let schema = mysql::Schema::create_at(&nodes[0]).await;
            galera::settle(&schema).await;
            let opening: Vec<_> = nodes
                .iter()
                .chain(&nodes)
                .map(|node| {
                    let url = schema.url_at(node);
                    tokio::spawn(async move { SqlStore::connect(&url).await })
                })
                .collect();
            for store in opening {
                let store = store.await.expect("no panic");
                let store = store.unwrap_or_else(|error| panic!("{}", chain(&error)));
                store.load().await.expect("load");
            }
        }
    });
}

#[test]
fn mysql_that_cuts_its_connections_is_found_again() {
    if mysql::is_skipped("mysql_that_cuts_its_connections_is_found_again") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let store = SqlStore::connect(&schema.url).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
        let commit = Commit {
            next_id: 100,
            changes: sample::World::new().changes(),
        };
        for _ in 0..3 {
            schema.cut_connections().await;
            // Each connection of the pool may fail once; then there are new ones.
            let mut tries = 0;
            while let Err(error) = store.commit(fence, &commit).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", chain(&error));
                tries += 1;
                assert!(tries < 10, "{}", chain(&error));
            }
            let mut tries = 0;
            let snapshot = loop {
                match store.load().await {
                    Ok(snapshot) => break snapshot,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", chain(&error));
                        tries += 1;
                        assert!(tries < 20, "{}", chain(&error));
                    }
                }
            };
            assert_eq!(snapshot, sample::World::new().snapshot(100));
        }
    });
}

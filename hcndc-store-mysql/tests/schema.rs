//! The tables after all migrations, as a text that a change shows up in. `HCNDC_TEST_BLESS=1` writes it anew.

mod support;

use std::path::Path;

use hcndc_store_mysql::SqlStore;
use support::{mysql, schema, sqlite};

/// Compares, or writes.
fn assert_golden(file: &str, schema: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/schema")
        .join(file);
    if std::env::var_os("HCNDC_TEST_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, schema).expect("write the golden file");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == schema,
        "the schema differs from {}; if it should, set HCNDC_TEST_BLESS=1.\n{schema}",
        path.display()
    );
}

#[test]
fn sqlite_has_these_tables() {
    let directory = tempfile::tempdir().expect("a directory");
    let schema = support::block_on(async {
        let url = sqlite::url(&directory);
        SqlStore::connect(&url).await.expect("connect");
        schema::of_sqlite(&url).await
    });
    assert_golden("sqlite.sql", &schema);
}

#[test]
fn mysql_has_these_tables() {
    if mysql::is_skipped("mysql_has_these_tables") {
        return;
    }
    let schema = support::block_on(async {
        let schema = mysql::Schema::create().await;
        SqlStore::connect(&schema.url).await.expect("connect");
        schema::of_mysql(&schema.url).await
    });
    assert_golden("mysql.sql", &schema);
}

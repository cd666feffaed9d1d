//! The tables after all migrations, as a text that a change shows up in. `HCNDC_TEST_BLESS=1` writes it anew.

mod support;

use std::path::Path;

use hcndc_store_mysql::SqlStore;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use support::{mysql, sqlite};

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

async fn texts(
    db: &DatabaseConnection,
    backend: DbBackend,
    query: &str,
    column: usize,
) -> Vec<String> {
    let rows = db
        .query_all_raw(Statement::from_string(backend, query))
        .await;
    let rows = rows.expect(query);
    let texts = rows.iter().map(|row| row.try_get_by_index(column));
    texts.collect::<Result<_, _>>().expect("texts")
}

#[test]
fn sqlite_has_these_tables() {
    let directory = tempfile::tempdir().expect("a directory");
    let schema = support::block_on(async {
        let url = sqlite::url(&directory);
        SqlStore::connect(&url).await.expect("connect");
        let db = Database::connect(url).await.expect("connect");
        let query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";
        let statements = texts(&db, DbBackend::Sqlite, query, 0).await;
        db.close().await.expect("close");
        statements
            .iter()
            .map(|text| readable(text))
            .collect::<String>()
    });
    assert_golden("sqlite.sql", &schema);
}

/// A column a line.
fn readable(statement: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for c in statement.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        text.push(c);
        if c == ',' && depth == 1 && statement.starts_with("CREATE TABLE") {
            text.push_str("\n ");
        }
    }
    text + ";\n\n"
}

#[test]
fn mysql_has_these_tables() {
    if mysql::is_skipped("mysql_has_these_tables") {
        return;
    }
    let schema = support::block_on(async {
        let schema = mysql::Schema::create().await;
        SqlStore::connect(&schema.url).await.expect("connect");
        let db = Database::connect(&schema.url).await.expect("connect");
        let mut text = String::new();
        for table in texts(&db, DbBackend::MySql, "SHOW TABLES", 0).await {
            // The list of migrations has whatever collation is the server's default.
            if table == "schema_migration" {
                continue;
            }
            let query = format!("SHOW CREATE TABLE `{table}`");
            let create = texts(&db, DbBackend::MySql, &query, 1).await;
            text.push_str(&create[0]);
            text.push_str(";\n\n");
        }
        db.close().await.expect("close");
        text
    });
    // MySQL 8 has another name for the collation, and shows no widths of numbers.
    let schema = schema
        .replace("utf8mb4_0900_bin", "utf8mb4_nopad_bin")
        .replace("bigint(20)", "bigint")
        .replace("int(11)", "int");
    assert_golden("mysql.sql", &schema);
}

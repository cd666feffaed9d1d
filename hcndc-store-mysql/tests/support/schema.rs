//! The tables of a database as a text.

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

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

/// The tables of the SQLite database at this address.
pub(crate) async fn of_sqlite(url: &str) -> String {
    let db = Database::connect(url).await.expect("connect");
    let query =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";
    let statements = texts(&db, DbBackend::Sqlite, query, 0).await;
    db.close().await.expect("close");
    statements.iter().map(|text| readable(text)).collect()
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

/// The tables of the MySQL or MariaDB database at this address, as MariaDB tells them.
pub(crate) async fn of_mysql(url: &str) -> String {
    let db = Database::connect(url).await.expect("connect");
    let mut schema = String::new();
    for table in texts(&db, DbBackend::MySql, "SHOW TABLES", 0).await {
        // The list of migrations has whatever collation is the server's default.
        if table == "schema_migration" {
            continue;
        }
        let query = format!("SHOW CREATE TABLE `{table}`");
        let create = texts(&db, DbBackend::MySql, &query, 1).await;
        schema.push_str(&create[0]);
        schema.push_str(";\n\n");
    }
    db.close().await.expect("close");
    // MySQL 8 has another name for the collation, and shows no widths of numbers.
    schema
        .replace("utf8mb4_0900_bin", "utf8mb4_nopad_bin")
        .replace("bigint(20)", "bigint")
        .replace("int(11)", "int")
}

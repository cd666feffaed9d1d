//! A small commit in one piece: it goes to the database once, where a transaction goes there for each of its statements.
//! Where a database takes it as one statement, it answers once, too: a lone commit takes a third less then. And whoever freezes in the
//! middle of it holds no lock, for the database has all that it needs to end it.

use std::fmt::Write as _;

use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, RuntimeErr, StatementBuilder, Value,
    sqlx::{self, AssertSqlSafe},
};

use crate::{SqlError, error::Doing as _, writing::Writing};

/// Changes of a commit at most: of more, statements that the database has prepared before cost less than the ways to it.
pub(super) const LARGEST: usize = 48;

/// Bytes of text at most.
const LARGEST_TEXT: usize = 32 << 10;

/// How a database takes a whole transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Statements, after one that takes the lock.
    Sqlite,
    /// Statements, each of which is answered.
    Statements,
    /// One statement that holds the others (MariaDB's `BEGIN NOT ATOMIC`).
    Compound,
}

impl Form {
    const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Statements | Self::Compound => DbBackend::MySql,
        }
    }
}

/// The statements of a transaction, as one text.
pub(super) struct Script {
    form: Form,
    text: String,
    /// No value needs to be escaped.
    is_plain: bool,
}

impl Script {
    pub(super) fn new(form: Form) -> Self {
        let begin = match form {
            Form::Sqlite => "BEGIN IMMEDIATE",
            Form::Statements => "START TRANSACTION",
            Form::Compound => "BEGIN NOT ATOMIC START TRANSACTION",
        };
        Self {
            form,
            text: begin.into(),
            is_plain: true,
        }
    }

    /// The whole; `None` for what is better said a statement at a time, with its values beside it.
    pub(super) fn end(mut self) -> Option<Complete> {
        self.text.push_str(match self.form {
            Form::Sqlite | Form::Statements => "; COMMIT",
            Form::Compound => "; COMMIT; END",
        });
        let fits = self.is_plain && self.text.len() <= LARGEST_TEXT;
        fits.then_some(Complete(self.text))
    }
}

impl Writing for Script {
    async fn write(
        &mut self,
        _doing: &'static str,
        statement: &impl StatementBuilder,
    ) -> Result<(), SqlError> {
        if self.is_plain && self.text.len() <= LARGEST_TEXT {
            let statement = statement.build(&self.form.backend());
            let values = statement.values.iter().flat_map(|values| values.iter());
            self.is_plain = values.into_iter().all(is_plain);
            let _: std::fmt::Result = write!(self.text, "; {statement}");
        }
        Ok(())
    }
}

/// Whether a value means the same in a text as beside it, whatever a server makes of quotes and escapes.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(Some(text)) => {
            !text.contains(|c: char| c.is_control() || "'\"\\".contains(c))
        }
        Value::String(None)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::ChronoDate(_) => true,
        _ => false,
    }
}

/// A script that begins and ends its transaction.
pub(super) struct Complete(String);

impl Complete {
    /// Runs it to its end, or leaves nothing of it.
    pub(super) async fn run(self, db: &DatabaseConnection) -> Result<(), SqlError> {
        let run = match db.get_database_backend() {
            #[cfg(feature = "mysql")]
            DbBackend::MySql => run(db.get_mysql_connection_pool(), self.0).await,
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => run(db.get_sqlite_connection_pool(), self.0).await,
            _ => return Err(DbErr::BackendNotSupported { db: "", ctx: "" }).doing("commit"),
        };
        run.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))
            .doing("commit")
    }
}

async fn run<D>(pool: &sqlx::Pool<D>, script: String) -> Result<(), sqlx::Error>
where
    D: sqlx::Database,
    for<'c> &'c mut D::Connection: sqlx::Executor<'c, Database = D>,
{
    let mut connection = pool.acquire().await?;
    let done = sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut *connection)
        .await;
    if done.is_err() {
        // Where it was not begun, or its end has failed, there is nothing to undo, and that is what the database says.
        let undone = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
        drop(undone);
    }
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Expr, Query};

    use super::*;
    use crate::entity::Flow;

    async fn script(name: &str, times: usize) -> Option<Complete> {
        script_in(Form::Statements, name, times).await
    }

    async fn script_in(form: Form, name: &str, times: usize) -> Option<Complete> {
        let mut script = Script::new(form);
        for _ in 0..times {
            let statement = Query::update()
                .table(Flow::Table)
                .value(Flow::Name, Expr::val(name))
                .to_owned();
            script.write("test", &statement).await.expect("written");
        }
        script.end()
    }

    #[tokio::test]
    async fn what_would_need_an_escape_is_no_part_of_a_script() {
        let whole = script("日报 ?", 2).await.expect("it is plain");
        assert_eq!(
            whole.0,
            "START TRANSACTION; UPDATE `flow` SET `name` = '日报 ?'; \
             UPDATE `flow` SET `name` = '日报 ?'; COMMIT"
        );
        let whole = script_in(Form::Compound, "a", 1)
            .await
            .expect("it is plain");
        assert_eq!(
            whole.0,
            "BEGIN NOT ATOMIC START TRANSACTION; UPDATE `flow` SET `name` = 'a'; COMMIT; END"
        );
        for name in ["it's", "\"", "a\\", "a\0b", "a\nb", "\u{1f}"] {
            assert!(script(name, 1).await.is_none(), "{name:?}");
        }
    }

    #[tokio::test]
    async fn what_is_long_is_no_script() {
        assert!(script("a", LARGEST_TEXT / 2_000).await.is_some());
        assert!(script("a", LARGEST_TEXT).await.is_none());
    }
}

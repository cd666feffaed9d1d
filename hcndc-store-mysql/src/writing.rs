//! Where the statements of a commit go: to the database one by one, or into a script.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, StatementBuilder};

use crate::{SqlError, error::Doing as _};

/// What statements that change rows are given to, in their order.
pub(crate) trait Writing {
    /// Takes the next statement, which is for `doing`.
    async fn write(
        &mut self,
        doing: &'static str,
        statement: &impl StatementBuilder,
    ) -> Result<(), SqlError>;
}

/// At once, each by itself.
impl Writing for &DatabaseTransaction {
    async fn write(
        &mut self,
        doing: &'static str,
        statement: &impl StatementBuilder,
    ) -> Result<(), SqlError> {
        self.execute(statement).await.doing(doing).map(drop)
    }
}

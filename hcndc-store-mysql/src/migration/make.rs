//! How migrations make tables and columns.

use sea_orm::{
    DbBackend,
    sea_query::{ColumnDef, Index, IntoIden, Table, TableCreateStatement},
};
use sea_orm_migration::{DbErr, SchemaManager};

use crate::dialect::long_text_column;

/// Makes tables. Each step may be repeated: MySQL keeps the tables that a migration made before it was cut off.
pub(super) struct Make<'a, 'c> {
    pub(super) manager: &'a SchemaManager<'c>,
    pub(super) backend: DbBackend,
    pub(super) collation: Option<&'static str>,
}

/// An index: its name, and its columns.
pub(super) type Indexes<'a, C> = &'a [(&'static str, &'a [C])];

impl Make<'_, '_> {
    /// Makes the table unless it is there, with its indexes.
    pub(super) async fn table<C: IntoIden + Copy>(
        &self,
        mut table: TableCreateStatement,
        indexes: Indexes<'_, C>,
    ) -> Result<(), DbErr> {
        table.if_not_exists();
        let Some(collation) = self.collation else {
            let name = table.get_table_name().cloned();
            self.manager.create_table(table).await?;
            for (index, columns) in indexes {
                let mut statement = Index::create();
                statement.if_not_exists().name(*index);
                if let Some(table) = name.clone() {
                    statement.table(table);
                }
                for column in *columns {
                    statement.col(*column);
                }
                self.manager.create_index(statement).await?;
            }
            return Ok(());
        };
        // MySQL makes an index "if it does not exist" only as a part of the table.
        for (index, columns) in indexes {
            let mut statement = Index::create();
            statement.name(*index);
            for column in *columns {
                statement.col(*column);
            }
            table.index(&mut statement);
        }
        table
            .engine("InnoDB")
            .character_set("utf8mb4")
            .collate(collation);
        self.manager.create_table(table).await
    }

    /// Adds a column unless it is there.
    pub(super) async fn column(
        &self,
        table: &str,
        name: &str,
        iden: impl IntoIden,
        column: ColumnDef,
    ) -> Result<(), DbErr> {
        if self.manager.has_column(table, name).await? {
            return Ok(());
        }
        let alter = Table::alter().table(iden).add_column(column).to_owned();
        self.manager.alter_table(alter).await
    }

    /// Makes an index of a column and the id unless it is there.
    pub(super) async fn index<C: IntoIden + Copy>(
        &self,
        table: &str,
        name: &str,
        iden: C,
        column: C,
    ) -> Result<(), DbErr> {
        if self.manager.has_index(table, name).await? {
            return Ok(());
        }
        let index = Index::create()
            .name(name)
            .table(iden)
            .col(column)
            .col("id")
            .to_owned();
        self.manager.create_index(index).await
    }

    pub(super) fn text(&self, column: impl IntoIden) -> ColumnDef {
        let mut column = long_text_column(self.backend, column);
        column.not_null();
        column
    }
}

/// The id that the rows are in the order of.
pub(super) fn id(column: impl IntoIden) -> ColumnDef {
    number(column).primary_key().to_owned()
}

/// An id, a count or a time in microseconds.
pub(super) fn number(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().to_owned()
}

pub(super) fn number_or_null(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().to_owned()
}

pub(super) fn flag(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).boolean().not_null().to_owned()
}

pub(super) fn name_or_null(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(255).to_owned()
}

/// A name of at most 255 characters.
pub(super) fn name(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(255).not_null().to_owned()
}

/// A state or the like: one of a few words of this program.
pub(super) fn word(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(20).not_null().to_owned()
}

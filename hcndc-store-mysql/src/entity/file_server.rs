//! `file_server`: current file servers. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model::{self, FileServerKind};
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `file_server`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FileServer {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    /// How it is reached.
    Kind,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for FileServer {
    type Row<'a> = (&'a model::Definition, &'a model::FileServer);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::Version,
        Self::Name,
        Self::Directory,
        Self::UpdatedAt,
        Self::Search,
        Self::Definition,
        Self::Kind,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([kind(it.kind).into()]);
        Ok(values)
    }
}

impl Definitions for FileServer {
    type Model = model::FileServer;

    const NAME: &'static str = "file_server";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}

/// The name of a kind.
const fn kind(kind: FileServerKind) -> &'static str {
    match kind {
        FileServerKind::Local => "local",
        FileServerKind::Ftp => "ftp",
        FileServerKind::Ftps => "ftps",
        FileServerKind::Sftp => "sftp",
        FileServerKind::S3 => "s3",
    }
}

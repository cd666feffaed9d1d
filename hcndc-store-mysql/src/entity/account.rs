//! `user`, `role`, `user_role`, `user_session`, `sign_in`, `api_token`: who may use a server.

use hcndc_core::{
    id::{RoleId, TokenId, UserId},
    port::{
        ApiToken as TokenRow, Grant, Origin, PasswordHash, Permission, Role as RoleRow, Session,
    },
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table};
use crate::SqlError;

/// Columns of `user`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum User {
    Table,
    Id,
    Account,
    Name,
    /// What lists are searched in: account and name.
    Search,
    Enabled,
    /// A PHC string; null for a user without a password.
    PasswordHash,
    MustChangePassword,
    Version,
    CreatedAt,
    UpdatedAt,
    SignedInAt,
    /// Who vouches for it: a word.
    Origin,
    /// What it is known by there.
    Subject,
}

/// Columns of `role`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Role {
    Table,
    Id,
    Name,
    Description,
    Search,
    /// Names, parted by commas.
    Permissions,
    /// A list as JSON.
    Directories,
    Version,
    CreatedAt,
    UpdatedAt,
}

/// Columns of `user_role`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum UserRole {
    Table,
    UserId,
    RoleId,
}

/// Columns of `user_session`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum UserSession {
    Table,
    /// SHA-256 of what the cookie holds, in hexadecimal digits.
    Digest,
    UserId,
    StartedAt,
    SeenAt,
    EndsAt,
}

/// Columns of `sign_in`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum SignIn {
    Table,
    /// SHA-256 of what the browser brings back, in hexadecimal digits.
    Digest,
    /// What is needed to end it.
    Kept,
    EndsAt,
}

/// Columns of `api_token`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum ApiToken {
    Table,
    Id,
    /// SHA-256 of the token, in hexadecimal digits.
    Digest,
    UserId,
    Name,
    /// What lists are searched in: the name.
    Search,
    Permissions,
    Version,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    UsedAt,
}

/// Tables whose rows are never written by an engine: their columns are given where they are written.
macro_rules! tables {
    ($($table:ident: $key:ident,)*) => {$(
        impl Table for $table {
            type Row<'a> = ();

            const TABLE: Self = Self::Table;
            const KEY: &'static [Self] = &[Self::$key];
            const COLUMNS: &'static [Self] = &[];

            fn values((): ()) -> Result<Vec<Value>, SqlError> {
                Ok(Vec::new())
            }
        }
    )*};
}

tables! {
    User: Id,
    Role: Id,
    ApiToken: Id,
}

impl User {
    /// The user without roles, and the password, that these columns hold.
    pub(crate) fn read(
        row: &QueryResult,
    ) -> Result<(hcndc_core::port::User, Option<PasswordHash>), SqlError> {
        let row = Reader::new("user", row);
        let must_change = row.column("must_change_password")?;
        let phc: Option<String> = row.column("password_hash")?;
        let user = hcndc_core::port::User {
            id: UserId(row.number("id")?),
            account: row.column("account")?,
            name: row.column("name")?,
            enabled: row.column("enabled")?,
            must_change_password: must_change,
            roles: Vec::new(),
            origin: row.named("origin", Origin::from_name)?,
            subject: row.column("subject")?,
            version: row.small("version")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            signed_in_at: row.time_if("signed_in_at")?,
        };
        Ok((user, phc.map(|phc| PasswordHash { phc, must_change })))
    }
}

impl Role {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<RoleRow, SqlError> {
        let row = Reader::new("role", row);
        Ok(RoleRow {
            id: RoleId(row.number("id")?),
            name: row.column("name")?,
            description: row.column("description")?,
            grant: Grant {
                permissions: permissions(row)?,
                directories: row.json("directories")?,
            },
            version: row.small("version")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl UserSession {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<Session, SqlError> {
        let row = Reader::new("user_session", row);
        Ok(Session {
            user: UserId(row.number("user_id")?),
            started_at: row.time("started_at")?,
            seen_at: row.time("seen_at")?,
            ends_at: row.time("ends_at")?,
        })
    }
}

impl ApiToken {
    /// The row that these columns hold, with its user's `account`.
    pub(crate) fn read(row: &QueryResult) -> Result<TokenRow, SqlError> {
        let row = Reader::new("api_token", row);
        Ok(TokenRow {
            id: TokenId(row.number("id")?),
            user: UserId(row.number("user_id")?),
            account: row.column::<Option<String>>("account")?.unwrap_or_default(),
            name: row.column("name")?,
            permissions: permissions(row)?,
            version: row.small("version")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            expires_at: row.time_if("expires_at")?,
            used_at: row.time_if("used_at")?,
        })
    }
}

/// As they are stored.
pub(crate) fn permission_text(permissions: &[Permission]) -> String {
    let names: Vec<_> = permissions.iter().map(|it| it.as_str()).collect();
    names.join(",")
}

fn permissions(row: Reader<'_>) -> Result<Vec<Permission>, SqlError> {
    row.named("permissions", |text| {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(Permission::from_name).collect()
    })
}

//! Whether a server would start on a database, and work well there.

use hcndc_core::{
    engine::{Engine, Settings},
    time::Timestamp,
};
use sea_orm_migration::SchemaManager;

use super::{Product, Reference, Upkeep};
use crate::{SqlError, error::chain, migration};

/// Something about a database that is not as it should be, or that its people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The server is older than what this program is tested with.
    OldServer {
        /// What it is.
        product: Product,
        /// Its version.
        version: String,
    },
    /// A newer version of this program has changed the tables.
    NewerSchema {
        /// The first step that is unknown here.
        migration: String,
    },
    /// The database holds tables of another program.
    ForeignTable {
        /// One of them.
        table: String,
    },
    /// The tables are older than this program: the next start, or a call to migrate, brings them up to date. What depends
    /// on them was not looked at.
    Pending {
        /// How many steps are to come.
        steps: usize,
    },
    /// The user may not do what the program does.
    Denied {
        /// The privilege, as SQL calls it.
        privilege: &'static str,
        /// What the database says.
        reason: String,
    },
    /// The database takes no writes now.
    Unwritable {
        /// What the database says.
        reason: String,
    },
    /// A setting of the sessions is not what was asked for: something between this program and the server keeps or
    /// changes it.
    Session {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it must be, or hold.
        wants: &'static str,
    },
    /// The server may lose commits that it has confirmed, when its host fails.
    Durability {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What makes it safe.
        wants: &'static str,
    },
    /// The server takes statements of so few bytes that a large edit may not fit.
    Packet {
        /// `max_allowed_packet`.
        bytes: u64,
    },
    /// The server lets few connect, and a scheduler needs some fifteen connections.
    Connections {
        /// `max_connections`.
        most: u64,
    },
    /// The clock of the database's host differs from this one's.
    Clock {
        /// By how many microseconds it is ahead; behind if negative.
        ahead_micros: i64,
    },
    /// A table compares texts other than byte by byte, or is of an engine without transactions.
    TableKind {
        /// The table.
        table: String,
        /// Its engine and collation.
        found: String,
        /// What they must be.
        wants: String,
    },
    /// A table, column or index that a migration made is not there.
    Missing {
        /// `table`, `table.column`, or `index on table`.
        what: String,
    },
    /// Rows refer to what is not stored.
    Orphans {
        /// What refers to what.
        reference: Reference,
        /// How many rows do.
        rows: u64,
    },
    /// The file is damaged.
    Damaged {
        /// What the database says.
        reason: String,
    },
    /// What is stored cannot be read.
    Unreadable {
        /// Why not.
        reason: String,
    },
    /// What is stored makes no whole.
    Inconsistent {
        /// Why not.
        reason: String,
    },
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// To be known; nothing has to be done.
    Note,
    /// Works, and may go wrong one day.
    Warning,
    /// A server would not start, or not work.
    Fatal,
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Pending { .. } => Weight::Note,
            Self::OldServer { .. }
            | Self::Durability { .. }
            | Self::Packet { .. }
            | Self::Connections { .. }
            | Self::Clock { .. }
            | Self::Orphans { .. } => Weight::Warning,
            Self::NewerSchema { .. }
            | Self::ForeignTable { .. }
            | Self::Denied { .. }
            | Self::Unwritable { .. }
            | Self::Session { .. }
            | Self::TableKind { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Unreadable { .. }
            | Self::Inconsistent { .. } => Weight::Fatal,
        }
    }

    /// Its name, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OldServer { .. } => "old_server",
            Self::NewerSchema { .. } => "newer_schema",
            Self::ForeignTable { .. } => "foreign_table",
            Self::Pending { .. } => "pending",
            Self::Denied { .. } => "denied",
            Self::Unwritable { .. } => "unwritable",
            Self::Session { .. } => "session",
            Self::Durability { .. } => "durability",
            Self::Packet { .. } => "packet",
            Self::Connections { .. } => "connections",
            Self::Clock { .. } => "clock",
            Self::TableKind { .. } => "table_kind",
            Self::Missing { .. } => "missing",
            Self::Orphans { .. } => "orphans",
            Self::Damaged { .. } => "damaged",
            Self::Unreadable { .. } => "unreadable",
            Self::Inconsistent { .. } => "inconsistent",
        }
    }
}

impl Upkeep {
    /// All that a start would need, and all that would make it regret it: the version of the server, privileges, settings,
    /// clock, tables, and whether what is stored makes an engine. Writes to a table of its own on MySQL, which it drops;
    /// on SQLite nothing that stays.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails at being asked.
    ///
    /// # Complexity
    /// Looks at every row that refers to another: a minute for ten millions.
    pub async fn check(&self, now: Timestamp) -> Result<Vec<Finding>, SqlError> {
        let mut findings = Vec::new();
        let (product, version) = self.version().await?;
        if is_older(&version, product.oldest()) {
            findings.push(Finding::OldServer { product, version });
        }
        if let Some(ahead_micros) = self.clock_ahead(now).await?
            && ahead_micros.abs() > CLOCKS_DIFFER
        {
            findings.push(Finding::Clock { ahead_micros });
        }
        self.probe(&mut findings).await?;

        let foreign = migration::foreign_table(&SchemaManager::new(self.db())).await?;
        if let Some(table) = foreign {
            findings.push(Finding::ForeignTable {
                table: table.into(),
            });
            return Ok(findings);
        }
        let steps = self.migrations().await?;
        if let Some(newer) = steps.iter().find(|step| !step.known) {
            findings.push(Finding::NewerSchema {
                migration: newer.name.clone(),
            });
            return Ok(findings);
        }
        let pending = steps.iter().filter(|step| step.applied_at.is_none());
        let steps = pending.count();
        if steps > 0 {
            findings.push(Finding::Pending { steps });
            return Ok(findings);
        }
        let before = findings.len();
        self.compare_shape(&mut findings).await?;
        if findings.len() > before {
            // Queries would fail at what is not there.
            return Ok(findings);
        }
        self.look_for_orphans(&mut findings).await?;
        match self.store.load_snapshot().await {
            Err(error) => findings.push(Finding::Unreadable {
                reason: chain(&error),
            }),
            Ok(snapshot) => {
                if let Err(rejected) = Engine::load(now, Settings::default(), snapshot) {
                    findings.push(Finding::Inconsistent {
                        reason: rejected.to_string(),
                    });
                }
            }
        }
        Ok(findings)
    }
}

/// Microseconds from which on the clocks of two hosts differ so much that times in the tables confuse people.
const CLOCKS_DIFFER: i64 = 1_000_000;

/// Whether a version, which begins with major and minor, is older than these. One that cannot be read is not.
fn is_older(version: &str, oldest: (u32, u32)) -> bool {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    let mut part = || parts.next().and_then(|part| part.parse::<u32>().ok());
    match (part(), part()) {
        (Some(major), Some(minor)) => (major, minor) < oldest,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, older) in [
            ("10.6.0-MariaDB-log", false),
            ("10.11.19-MariaDB-0+deb12u1", false),
            ("10.5.99-MariaDB", true),
            ("11.0.1-MariaDB", false),
        ] {
            assert_eq!(
                is_older(version, Product::MariaDb.oldest()),
                older,
                "{version}"
            );
        }
        assert!(is_older("5.7.44", Product::MySql.oldest()));
        assert!(!is_older("8.0.36", Product::MySql.oldest()));
        assert!(!is_older("", Product::MySql.oldest()));
    }
}

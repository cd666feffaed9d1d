//! What refers to what, and whether it is there. The tables have no foreign keys: one engine writes all rows, under one
//! fence, and would pay for each key at every insert.

use super::{Finding, Upkeep};
use crate::SqlError;

/// A column that refers to rows of another table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table that refers.
    pub table: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// The table that it refers to.
    pub to: &'static str,
    /// That table's columns.
    pub keys: &'static [&'static str],
}

const fn by_id(
    table: &'static str,
    column: &'static [&'static str],
    to: &'static str,
) -> Reference {
    Reference {
        table,
        columns: column,
        to,
        keys: &["id"],
    }
}

const fn by_version(
    table: &'static str,
    columns: &'static [&'static str],
    to: &'static str,
    keys: &'static [&'static str],
) -> Reference {
    Reference {
        table,
        columns,
        to,
        keys,
    }
}

/// References that always hold. What may outlive what it tells of is not among them: an action outlives its execution, a
/// firing its schedule.
const REFERENCES: &[Reference] = &[
    by_version(
        "flow",
        &["id", "version"],
        "flow_version",
        &["flow_id", "version"],
    ),
    by_id("flow_parent", &["flow_id"], "flow"),
    by_id("flow_parent", &["parent_id"], "flow"),
    by_id("job", &["flow_id"], "flow"),
    by_id("job", &["data_source_id"], "data_source"),
    by_version(
        "job",
        &["id", "version"],
        "job_version",
        &["job_id", "version"],
    ),
    by_id("job_dependency", &["job_id"], "job"),
    by_id("job_dependency", &["depends_on_id"], "job"),
    by_id("schedule", &["flow_id"], "flow"),
    by_id("schedule", &["calendar_id"], "calendar"),
    by_id("schedule_cursor", &["schedule_id"], "schedule"),
    by_id("shared_param", &["data_source_id"], "data_source"),
    by_id("file_event", &["server_id"], "file_server"),
    by_id("file_arrival", &["file_event_id"], "file_event"),
    by_id("backfill_date", &["backfill_id"], "backfill"),
    by_id("flow_run", &["execution_id"], "execution"),
    by_version(
        "flow_run",
        &["flow_id", "flow_version"],
        "flow_version",
        &["flow_id", "version"],
    ),
    by_id("job_run", &["execution_id"], "execution"),
    by_id("job_run", &["flow_run_id"], "flow_run"),
    by_version(
        "job_run",
        &["job_id", "job_version"],
        "job_version",
        &["job_id", "version"],
    ),
    by_id("attempt", &["execution_id"], "execution"),
    by_id("attempt", &["job_run_id"], "job_run"),
    by_id("execution_end", &["execution_id"], "execution"),
    by_id("job_output", &["execution_id"], "execution"),
    by_id("job_output", &["job_run_id"], "job_run"),
    by_id("user_role", &["user_id"], "user"),
    by_id("user_role", &["role_id"], "role"),
    by_id("user_session", &["user_id"], "user"),
    by_id("api_token", &["user_id"], "user"),
];

impl Upkeep {
    pub(super) async fn look_for_orphans(
        &self,
        findings: &mut Vec<Finding>,
    ) -> Result<(), SqlError> {
        for reference in REFERENCES {
            let orphans = self.one("look for orphans", query(reference)).await?;
            let rows = orphans.unwrap_or(0_i64).unsigned_abs();
            if rows > 0 {
                findings.push(Finding::Orphans {
                    reference: *reference,
                    rows,
                });
            }
        }
        Ok(())
    }
}

fn query(reference: &Reference) -> String {
    let Reference {
        table, columns, to, ..
    } = reference;
    let same = columns.iter().zip(reference.keys);
    let same: Vec<_> = same
        .map(|(column, key)| format!("other.{key} = it.{column}"))
        .collect();
    let refers: Vec<_> = columns
        .iter()
        .map(|column| format!("it.{column} IS NOT NULL"))
        .collect();
    format!(
        "SELECT COUNT(*) FROM {table} it WHERE {} AND NOT EXISTS (SELECT 1 FROM {to} other WHERE {})",
        refers.join(" AND "),
        same.join(" AND ")
    )
}

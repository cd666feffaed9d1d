//! A first HCNDC (Python, MySQL) → mesh file: all that its database defines, and a report of what was and was not carried over.
//!
//! [`OldTables::read`] takes one consistent picture of its tables and writes nothing; [`import_old_hcndc`] makes definitions of
//! them. What the tables mean is told by the first HCNDC's sources, <https://github.com/GammaGao/hcndc-web> and
//! <https://github.com/laixin86714802/HCNDC-exec>: columns came and went with its versions, so all but a few may be missing.
//!
//! What cannot be as it was is never passed over in silence: each row is carried over, counted as deleted, or told with its
//! reason. Nothing is started that did not run before: what the first HCNDC could not run comes over switched off, or fails
//! and says why.

mod accounts;
mod alerts;
mod circles;
mod executors;
mod files;
mod flows;
mod jobs;
mod names;
mod note;
mod params;
mod report;
mod schedules;
mod secrets;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    names::Names,
    params::OldParam,
    tables::{Row, TABLES},
};
pub use self::{
    note::{OldMatter, OldNote},
    report::{OldReport, OldTableCount},
    tables::{OldReadError, OldTables},
};
use super::{Fault, MeshFile, parse_exported, to_json};

/// How a first HCNDC is read.
#[derive(Debug, Clone)]
pub struct OldOptions {
    /// IANA time zone of its server, by which its schedules went.
    pub zone: String,
    /// Port at which the new executors listen: its database knows hosts only.
    pub executor_port: u16,
    /// `strftime` form in which jobs got `$date`.
    pub date_format: String,
    /// Whether its users and roles come too.
    pub accounts: bool,
}

impl Default for OldOptions {
    fn default() -> Self {
        Self {
            zone: "Asia/Shanghai".to_owned(),
            executor_port: hcndc_exec::executor::PORT,
            date_format: "%Y%m%d".to_owned(),
            accounts: true,
        }
    }
}

/// A first HCNDC as a mesh.
#[derive(Debug, Clone)]
pub struct OldHcndc {
    /// Its definitions, passwords and all.
    pub mesh: MeshFile,
    /// What was carried over, what was not, and what is otherwise now; no secret.
    pub report: OldReport,
}

/// Makes definitions of tables. The same tables give the same definitions.
///
/// # Errors
/// What still is wrong with the definitions; at least one. Rows that are wrong by themselves are told in the report instead.
pub fn import_old_hcndc(tables: &OldTables, options: &OldOptions) -> Result<OldHcndc, Vec<Fault>> {
    let mut mesh = MeshFile::of_flows(Vec::new());
    mesh.zone.clone_from(&options.zone);
    let mut builder = Builder {
        tables,
        options,
        mesh,
        report: OldReport::new(tables),
        executors: BTreeMap::new(),
        flows: BTreeMap::new(),
        jobs: BTreeMap::new(),
        params: BTreeMap::new(),
        servers: BTreeMap::new(),
        schedules: Names::default(),
        alerts: BTreeMap::new(),
        outside: Vec::new(),
    };
    builder.head();
    builder.executors();
    builder.flows();
    builder.parents();
    builder.sources_and_params();
    builder.jobs();
    builder.dependencies();
    builder.alerts();
    builder.schedules();
    builder.file_servers();
    builder.file_events();
    if options.accounts {
        builder.accounts();
    } else {
        builder.no_accounts();
    }
    circles::open(&mut builder);
    builder.number();
    let Builder { mesh, report, .. } = builder;
    let checked = parse_exported(NAME, to_json(&mesh).as_bytes());
    checked.map_err(|mut faults| {
        // Of a text that nobody wrote, places mean nothing.
        faults.iter_mut().for_each(|fault| fault.position = None);
        faults
    })?;
    Ok(OldHcndc { mesh, report })
}

/// What faults call the tables.
const NAME: &str = "old-hcndc";

/// A job by the places of its flow and of itself.
type JobPlace = (usize, usize);

/// The mesh as far as it is made. Maps go from the tables' numbers.
struct Builder<'a> {
    tables: &'a OldTables,
    options: &'a OldOptions,
    mesh: MeshFile,
    report: OldReport,
    /// Names of executors.
    executors: BTreeMap<i64, String>,
    /// Places of flows.
    flows: BTreeMap<i64, usize>,
    jobs: BTreeMap<i64, JobPlace>,
    params: BTreeMap<i64, OldParam>,
    /// Names of file servers.
    servers: BTreeMap<i64, String>,
    schedules: Names,
    /// Names of alert rules by the schedules that they hold for.
    alerts: BTreeMap<i64, BTreeSet<String>>,
    /// Ties to jobs of other flows, which the first HCNDC drew and did not wait for: from, to.
    outside: Vec<(i64, i64)>,
}

impl<'a> Builder<'a> {
    /// What holds for all of it.
    fn head(&mut self) {
        self.report.whole(OldMatter::Zone {
            zone: self.options.zone.clone(),
        });
        for table in TABLES {
            if !self.tables.has(table) {
                self.report.whole(OldMatter::NoTable {
                    table: (*table).to_owned(),
                });
            }
        }
        self.report.whole(OldMatter::History);
    }

    /// The rows of a table that are in use; the others are counted as deleted.
    fn living(&mut self, table: &'static str) -> Vec<Row<'a>> {
        let rows = self.tables.rows(table);
        let (living, deleted): (Vec<_>, Vec<_>) = rows.partition(|row| !row.is_deleted());
        self.report.count(table).deleted += deleted.len();
        living
    }

    /// Counts a row as carried over.
    fn carried(&mut self, row: &Row<'_>) {
        self.report.count(row.table()).carried += 1;
    }

    /// Counts a row as left out, and says why.
    fn left_out(&mut self, row: &Row<'_>, name: &str, matter: OldMatter) {
        self.report.count(row.table()).left_out += 1;
        self.note(row, name, matter);
    }

    /// Says what is otherwise about a row.
    fn note(&mut self, row: &Row<'_>, name: &str, matter: OldMatter) {
        self.report.note(row.table(), row.id(), name, matter);
    }

    /// Writes down what rows are called now: people know them by their numbers.
    fn number(&mut self) {
        let flow = |(id, at): (&i64, &usize)| (*id, self.mesh.flows[*at].name.clone());
        let flows = self.flows.iter().map(flow).collect();
        let job = |(id, place): (&i64, &JobPlace)| (*id, self.job_name(*place));
        let jobs = self.jobs.iter().map(job).collect();
        let param = |(id, param): (&i64, &OldParam)| (*id, param.name.clone());
        let params = self.params.iter().map(param).collect();
        self.report.numbers = BTreeMap::from([
            ("tb_exec_host", self.executors.clone()),
            ("tb_interface", flows),
            ("tb_jobs", jobs),
            ("tb_param_config", params),
            ("tb_ftp_config", self.servers.clone()),
        ]);
    }

    /// The name of a job with its flow, for people and for ties.
    fn job_name(&self, (flow, job): JobPlace) -> String {
        let flow = &self.mesh.flows[flow];
        format!("{}/{}", flow.name, flow.jobs[job].name)
    }
}

#[cfg(test)]
mod tests;

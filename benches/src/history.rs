//! Years of history, made by the database itself.

use sea_orm::{ConnectionTrait as _, Database};

/// Executions that one statement makes, and ten times as many job runs.
const STEP: u64 = 10_000;

/// Numbers from 0 on, as many as a step has.
const NUMBERS: &str = "WITH d (d) AS (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
    SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9), \
    n (n) AS (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d FROM d a, d b, d c, d e)";

/// Executions over a thousand days, each of one flow with ten jobs, flows in turn: good ones mostly, as after years.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// How many there are.
    pub executions: u64,
    /// How many flows take turns.
    pub flows: u64,
    /// The id of the first execution; each takes a hundred ids.
    pub first_id: u64,
    /// The id of the first flow.
    pub first_flow: u64,
    /// How far it is from one flow to the next.
    pub flow_step: u64,
    /// How far it is from a flow to the first of its ten jobs.
    pub to_jobs: u64,
    /// The first of the thousand days.
    pub first_day: &'static str,
    /// When the first began, microseconds since 1970.
    pub began: u64,
    /// How many microseconds later each next one began.
    pub apart: u64,
    /// How many of the newest still run.
    pub running: u64,
    /// Whether the versions of flows and jobs are made, too, since nobody defines them.
    pub versions: bool,
}

impl History {
    /// Of flows and jobs that are not defined. The newest twenty executions run.
    #[must_use]
    pub const fn undefined(executions: u64, flows: u64) -> Self {
        Self {
            executions,
            flows,
            first_id: 0,
            first_flow: 1,
            flow_step: 10,
            to_jobs: 0,
            first_day: "2023-01-01",
            began: 0,
            apart: 1,
            running: 20,
            versions: true,
        }
    }

    /// The flow of the execution of this number, counted from 0.
    #[must_use]
    pub const fn flow(&self, at: u64) -> u64 {
        self.first_flow + at % self.flows * self.flow_step
    }

    /// The execution of this number, counted from 0.
    #[must_use]
    pub const fn execution(&self, at: u64) -> u64 {
        self.first_id + at * 100
    }

    /// Fills the tables of a store.
    ///
    /// # Panics
    /// If the database refuses a statement.
    pub async fn fill(&self, url: &str) {
        let db = Database::connect(url).await.expect("connect");
        let is_sqlite = url.starts_with("sqlite");
        let with = |insert: &str, rows: &str| match is_sqlite {
            true => format!("{NUMBERS} {insert} {rows}"),
            false => format!("{insert} {NUMBERS} {rows}"),
        };
        let run = async |statement: String| {
            db.execute_unprepared(&statement).await.expect(&statement);
        };
        if self.versions {
            let (flow, flows) = (self.flow_id("n.n"), self.flows);
            run(with(
                "INSERT INTO flow_version (flow_id, version, name, definition)",
                &format!("SELECT {flow}, 1, 'flow', '{{}}' FROM n WHERE n.n < {flows}"),
            ))
            .await;
            run(with(
                "INSERT INTO job_version (job_id, version, name, definition)",
                &format!(
                    "SELECT {flow} + {} + d.d, 1, 'job', '{{}}' FROM n, d WHERE n.n < {flows}",
                    self.to_jobs
                ),
            ))
            .await;
        }
        for from in (0..self.executions).step_by(usize::try_from(STEP).expect("a step")) {
            for (insert, rows) in self.step(from, is_sqlite) {
                run(with(insert, &rows)).await;
            }
        }
        if !is_sqlite {
            run("ANALYZE TABLE execution, flow_run, job_run, action".into()).await;
        }
        db.close().await.expect("close");
    }

    /// In SQL.
    fn flow_id(&self, at: &str) -> String {
        let Self {
            flows,
            first_flow,
            flow_step,
            ..
        } = self;
        format!("({at} % {flows} * {flow_step} + {first_flow})")
    }

    /// What makes the executions from this number on, and all that belongs to them: columns, rows.
    fn step(&self, from: u64, is_sqlite: bool) -> [(&'static str, String); 4] {
        let Self {
            executions,
            first_id,
            to_jobs,
            first_day,
            began,
            apart,
            ..
        } = self;
        let i = format!("({from} + n.n)");
        let (id, flow) = (format!("({first_id} + {i} * 100)"), self.flow_id(&i));
        // Divisions of whole numbers have other names on each, and so have dates.
        let day = match is_sqlite {
            true => format!("date('{first_day}', '+' || ({i} * 1000 / {executions}) || ' days')"),
            false => format!("date_add('{first_day}', interval ({i} * 1000 DIV {executions}) day)"),
        };
        let start = format!("({began} + {i} * {apart})");
        let here = format!("n.n + {from} < {executions}");
        let running = format!("{i} >= {}", executions - self.running);
        let state = format!(
            "CASE WHEN {running} THEN 'running' WHEN {i} % 50 < 4 THEN 'failed' \
             WHEN {i} % 1000 = 999 THEN 'stopped' ELSE 'succeeded' END"
        );
        let job_state = format!(
            "CASE WHEN {running} AND d.d = 9 THEN 'running' WHEN {i} % 50 < 4 AND d.d = 7 THEN 'failed' ELSE 'succeeded' END"
        );
        [
            (
                "INSERT INTO execution (id, state, trigger_kind, data_date, params, started_by, started_at, ended_at, resumes, \
                 schedule_id, partial)",
                format!(
                    "SELECT {id}, {state}, 'schedule', {day}, '[]', 'bench', {start}, {start} + 1, 0, {i} % {} + 1, 0 FROM n WHERE {here}",
                    self.flows
                ),
            ),
            (
                "INSERT INTO flow_run (id, execution_id, flow_id, flow_version, state)",
                format!("SELECT {id} + 1, {id}, {flow}, 1, 'succeeded' FROM n WHERE {here}"),
            ),
            (
                "INSERT INTO action (id, execution_id, kind, done_by, done_at)",
                format!(
                    "SELECT {id} + 50, {id}, 'stop', 'ann', {start} FROM n WHERE {here} AND {i} % 10 = 0"
                ),
            ),
            (
                "INSERT INTO job_run (id, execution_id, flow_run_id, job_id, job_version, state, attempt, attempts_before)",
                format!(
                    "SELECT {id} + 2 + d.d, {id}, {id} + 1, {flow} + {to_jobs} + d.d, 1, {job_state}, 1, 0 FROM n, d WHERE {here}"
                ),
            ),
        ]
    }
}

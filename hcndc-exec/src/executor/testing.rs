//! Short builders for tests.

use std::{collections::BTreeMap, path::Path, time::Duration};

use hcndc_core::{
    engine::{End, EndCause, RunOrder},
    id::{AttemptId, ExecutionId, JobRunId},
    model::JobKind,
    time::Timestamp,
};

use super::{hold::Settings, rules::Rules};

pub(crate) fn order(id: u64, command: &str) -> RunOrder {
    RunOrder {
        attempt: AttemptId(id),
        execution: ExecutionId(7),
        job_run: JobRunId(8),
        number: 1,
        flow: "retail".into(),
        job: "load".into(),
        data_date: "2026-11-21".parse().unwrap(),
        date_format: None,
        calendar: None,
        kind: JobKind::Shell,
        command: command.into(),
        args: Vec::new(),
        values: BTreeMap::new(),
        literal: std::collections::BTreeSet::new(),
        env: BTreeMap::new(),
        workdir: String::new(),
        timeout: None,
        grace: Duration::from_secs(5),
    }
}

pub(crate) fn end(cause: EndCause) -> End {
    End {
        cause,
        started_at: None,
        ended_at: Timestamp::from_micros(9),
        peak_memory_bytes: 1,
        cpu_time: Duration::from_micros(2),
        log_bytes: 3,
        outputs: BTreeMap::new(),
    }
}

pub(crate) fn settings(directory: &Path) -> Settings {
    Settings {
        base_dir: directory.to_owned(),
        logs: directory.join("logs"),
        log_cap_bytes: 1 << 20,
        key: "test".into(),
        era: 0,
        passed_on: BTreeMap::new(),
        rules: Rules::default(),
        groups: None,
        worker: None,
    }
}

//! Ids that others know executions, job runs and attempts by. They follow from what is stored, so that what is told again is told
//! under the same ids, whoever tells it.

use hcndc_core::id::{AttemptId, ExecutionId, JobRunId};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// Makes ids for one database: its own ones mean something within it only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    realm: String,
}

/// As OpenTelemetry has it: not zero.
pub type TraceId = [u8; 16];
/// As OpenTelemetry has it: not zero.
pub type SpanId = [u8; 8];

/// What an id is for: the same numbers make other ids for other kinds.
#[derive(Clone, Copy)]
enum Kind {
    Trace,
    Part,
    Run,
    Attempt,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Part => "part",
            Self::Run => "run",
            Self::Attempt => "attempt",
        }
    }
}

impl Ids {
    /// For the database of this identity.
    #[must_use]
    pub fn new(realm: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
        }
    }

    fn digest(&self, kind: Kind, numbers: &[u64]) -> [u8; 32] {
        let mut hash = Sha256::new();
        // Neither word nor realm holds a zero byte, so that no two lists make one text.
        hash.update(b"hcndc\0");
        hash.update(kind.word());
        hash.update(b"\0");
        hash.update(&self.realm);
        hash.update(b"\0");
        for number in numbers {
            hash.update(number.to_be_bytes());
        }
        hash.finalize().into()
    }

    fn trace_bytes(&self, kind: Kind, numbers: &[u64]) -> [u8; 16] {
        let digest = self.digest(kind, numbers);
        let bytes = digest.first_chunk().copied().unwrap_or_default();
        // All zeros mean that there is none.
        if bytes == [0; 16] { [1; 16] } else { bytes }
    }

    fn span(&self, kind: Kind, numbers: &[u64]) -> SpanId {
        let digest = self.digest(kind, numbers);
        let bytes = digest.first_chunk().copied().unwrap_or_default();
        if bytes == [0; 8] { [1; 8] } else { bytes }
    }

    /// The trace of an execution, with all that it does after its ends.
    #[must_use]
    pub fn trace(&self, execution: ExecutionId) -> TraceId {
        self.trace_bytes(Kind::Trace, &[execution.0])
    }

    /// The span of what an execution did until an end, which is the root if there was none before.
    #[must_use]
    pub fn part(&self, execution: ExecutionId, resumes: u32) -> SpanId {
        self.span(Kind::Part, &[execution.0, resumes.into()])
    }

    /// The span of a job run until an end of its execution.
    #[must_use]
    pub fn run(&self, run: JobRunId, resumes: u32) -> SpanId {
        self.span(Kind::Run, &[run.0, resumes.into()])
    }

    /// The span of an attempt.
    #[must_use]
    pub fn attempt(&self, attempt: AttemptId) -> SpanId {
        self.span(Kind::Attempt, &[attempt.0])
    }

    /// The value of `TRACEPARENT` (W3C Trace Context, version 00, sampled) by which what an attempt does joins its trace.
    #[must_use]
    pub fn traceparent(&self, execution: ExecutionId, attempt: AttemptId) -> String {
        let (trace, span) = (self.trace(execution), self.attempt(attempt));
        let (trace, span) = (u128::from_be_bytes(trace), u64::from_be_bytes(span));
        format!("00-{trace:032x}-{span:016x}-01")
    }

    /// The run, as OpenLineage has it, of what an execution did until an end. A UUID of version 8: its bits are ours.
    #[must_use]
    pub fn part_uuid(&self, execution: ExecutionId, resumes: u32) -> Uuid {
        let bytes = self.trace_bytes(Kind::Part, &[execution.0, resumes.into()]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// The run, as OpenLineage has it, of an attempt.
    #[must_use]
    pub fn attempt_uuid(&self, attempt: AttemptId) -> Uuid {
        let bytes = self.trace_bytes(Kind::Attempt, &[attempt.0]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_the_same_for_ever_and_differ_by_kind_number_and_database() {
        let ids = Ids::new("a");
        // Whoever changes these tears what was told before apart from what is told after.
        assert_eq!(
            ids.traceparent(ExecutionId(1), AttemptId(2)),
            "00-301a160d0d83b2c8283f4d18c1e10e55-e43a8a575640de7f-01"
        );
        assert_eq!(
            ids.part_uuid(ExecutionId(1), 0).to_string(),
            "6dc208ca-6d05-8ea2-9e76-7795a4683f8b"
        );
        let mut spans = BTreeSet::new();
        for realm in ["a", "b"] {
            let ids = Ids::new(realm);
            for number in 0..50 {
                spans.insert(ids.attempt(AttemptId(number)));
                for resumes in 0..2 {
                    spans.insert(ids.part(ExecutionId(number), resumes));
                    spans.insert(ids.run(JobRunId(number), resumes));
                }
            }
        }
        assert_eq!(spans.len(), 2 * 50 * 5);
        assert_eq!(ids.attempt_uuid(AttemptId(2)).get_version_num(), 8);
    }
}

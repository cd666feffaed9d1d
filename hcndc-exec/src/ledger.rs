//! What an executor remembers: whom it serves, the highest fence, and every attempt that it was given.
//!
//! The ledger changes by [`Record`]s alone. The [spool](crate::executor) writes the same records to disk as a
//! [`journal`], so that reading them back gives the same ledger.
//!
//! Fences and attempts count within a *realm*, which is one scheduler's database. An executor serves one realm at a
//! time; each time it goes over to another, an *era* begins, with nothing remembered of those before.

pub mod journal;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use hcndc_core::{
    engine::{End, Held, RunOrder},
    id::AttemptId,
    port::Fence,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::checksum::fnv1a;

/// How long an acknowledged attempt is remembered, so that a late repeat of its order is answered and not carried out.
pub const TOMBSTONES_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many acknowledged attempts are remembered; beyond that the oldest go first. About 20 MB.
pub const TOMBSTONES_KEPT: usize = 100_000;

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A random name of this ledger, by which processes of its attempts are told from those of another executor.
    Key(String),
    /// A scheduler of another realm was obeyed: nothing before this counts any more.
    Realm {
        /// Which.
        realm: String,
        /// Number of the era that begins with it.
        era: u64,
    },
    /// A scheduler with this fence was obeyed.
    Fence(Fence),
    /// An attempt was accepted; durable before its process is started.
    Accepted {
        /// Which.
        attempt: AttemptId,
        /// [`fingerprint`] of its order.
        fingerprint: u64,
        /// When.
        at: Timestamp,
    },
    /// Its process runs.
    Started {
        /// Which.
        attempt: AttemptId,
        /// Its process.
        process: ProcessMark,
    },
    /// It ended.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// How.
        end: End,
    },
    /// Its end was acknowledged.
    Acknowledged {
        /// Which.
        attempt: AttemptId,
        /// When.
        at: Timestamp,
    },
    /// It was never begun, and may be given again: it is as if it had not been accepted.
    Withdrawn {
        /// Which.
        attempt: AttemptId,
    },
    /// What comes after this happened in this boot of the host.
    Boot {
        /// The kernel's name of it; empty if unknown.
        id: String,
        /// Whether jobs were held by processes that outlive the executor.
        beside: bool,
    },
    /// Acknowledged attempts up to this one are no longer remembered.
    Forgotten {
        /// The greatest of them.
        up_to: AttemptId,
    },
}

/// A process, told from a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Its id.
    pub pid: u32,
    /// When the kernel says that it started, in ticks since boot; 0 if unknown.
    pub born: u64,
    /// When it started.
    pub at: Timestamp,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Tells its order from another with the same id.
    pub fingerprint: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Its process, once it runs.
    pub process: Option<ProcessMark>,
    /// Its end, once it has one.
    pub end: Option<End>,
}

impl Entry {
    fn held(&self, attempt: AttemptId) -> Held {
        Held {
            attempt,
            started: self.process.map(|process| (process.pid, process.at)),
            end: self.end.clone(),
        }
    }
}

/// Tells orders with the same attempt id apart: such come from different schedulers, or from one that was restored.
#[must_use]
pub fn fingerprint(order: &RunOrder) -> u64 {
    fnv1a([
        order.execution.0.to_le_bytes().as_slice(),
        &order.job_run.0.to_le_bytes(),
        &order.number.to_le_bytes(),
        order.flow.as_bytes(),
        order.job.as_bytes(),
        order.data_date.to_string().as_bytes(),
    ])
}

/// All that an executor remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    key: String,
    realm: String,
    era: u64,
    fence: Fence,
    boot: String,
    beside: bool,
    /// Not acknowledged yet.
    held: BTreeMap<AttemptId, Entry>,
    acknowledged: BTreeMap<AttemptId, Entry>,
    /// Of `acknowledged`, in that order.
    acknowledged_at: VecDeque<(Timestamp, AttemptId)>,
    forgotten: Option<AttemptId>,
}

impl Ledger {
    /// Remembers one more thing. Records that fit nothing change nothing.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Key(key) => self.key.clone_from(key),
            Record::Realm { realm, era } => {
                if *era != self.era {
                    *self = Self {
                        key: std::mem::take(&mut self.key),
                        boot: std::mem::take(&mut self.boot),
                        beside: self.beside,
                        realm: realm.clone(),
                        era: *era,
                        ..Self::default()
                    };
                }
            }
            Record::Fence(fence) => self.fence = self.fence.max(*fence),
            Record::Accepted {
                attempt,
                fingerprint,
                at,
            } => {
                if self.find(*attempt).is_none() {
                    self.held.insert(
                        *attempt,
                        Entry {
                            fingerprint: *fingerprint,
                            accepted_at: *at,
                            process: None,
                            end: None,
                        },
                    );
                }
            }
            Record::Started { attempt, process } => {
                if let Some(entry) = self.held.get_mut(attempt) {
                    entry.process = Some(*process);
                }
            }
            Record::Ended { attempt, end } => {
                if let Some(entry) = self.held.get_mut(attempt) {
                    entry.end.get_or_insert_with(|| end.clone());
                }
            }
            Record::Acknowledged { attempt, at } => {
                if let Some(mut entry) = self.held.remove(attempt) {
                    // Stored by whoever acknowledges it; what is remembered of so many must be small.
                    if let Some(end) = &mut entry.end {
                        end.outputs.clear();
                    }
                    self.acknowledged.insert(*attempt, entry);
                    self.acknowledged_at.push_back((*at, *attempt));
                }
            }
            Record::Withdrawn { attempt } => {
                self.held.remove(attempt);
            }
            Record::Boot { id, beside } => {
                self.boot.clone_from(id);
                self.beside = *beside;
            }
            Record::Forgotten { up_to } => self.forgotten = self.forgotten.max(Some(*up_to)),
        }
    }

    /// Lets go of acknowledged attempts that are too old or too many.
    pub fn forget(&mut self, now: Timestamp) {
        while let Some(&(at, attempt)) = self.acknowledged_at.front() {
            if self.acknowledged.len() <= TOMBSTONES_KEPT && now.since(at) <= TOMBSTONES_KEPT_FOR {
                break;
            }
            self.acknowledged_at.pop_front();
            self.acknowledged.remove(&attempt);
            self.forgotten = self.forgotten.max(Some(attempt));
        }
    }

    /// Records that make this ledger from an empty one.
    #[must_use]
    pub fn to_records(&self) -> Vec<Record> {
        let mut records = vec![
            Record::Key(self.key.clone()),
            Record::Realm {
                realm: self.realm.clone(),
                era: self.era,
            },
            Record::Fence(self.fence),
            Record::Boot {
                id: self.boot.clone(),
                beside: self.beside,
            },
        ];
        records.extend(self.forgotten.map(|up_to| Record::Forgotten { up_to }));
        let acknowledged = self.acknowledged_at.iter().filter_map(|(at, attempt)| {
            let entry = self.acknowledged.get(attempt)?;
            Some((*attempt, entry, Some(*at)))
        });
        let held = self
            .held
            .iter()
            .map(|(attempt, entry)| (*attempt, entry, None));
        for (attempt, entry, acknowledged_at) in acknowledged.chain(held) {
            records.push(Record::Accepted {
                attempt,
                fingerprint: entry.fingerprint,
                at: entry.accepted_at,
            });
            records.extend(
                entry
                    .process
                    .map(|process| Record::Started { attempt, process }),
            );
            records.extend(entry.end.clone().map(|end| Record::Ended { attempt, end }));
            records.extend(acknowledged_at.map(|at| Record::Acknowledged { attempt, at }));
        }
        records
    }

    /// Its random name; empty until it has one.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The realm that it serves; empty until it serves one.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// How often it went over to another realm: sets apart what attempts of the same id leave on disk.
    #[must_use]
    pub const fn era(&self) -> u64 {
        self.era
    }

    /// The highest fence that was obeyed.
    #[must_use]
    pub const fn fence(&self) -> Fence {
        self.fence
    }

    /// The boot of the host in which it was last used; empty if unknown.
    #[must_use]
    pub fn boot(&self) -> &str {
        &self.boot
    }

    /// Whether it was last used by an executor whose jobs are held by processes that outlive it.
    #[must_use]
    pub const fn is_beside(&self) -> bool {
        self.beside
    }

    /// What is known of an attempt.
    #[must_use]
    pub fn find(&self, attempt: AttemptId) -> Option<&Entry> {
        self.held
            .get(&attempt)
            .or_else(|| self.acknowledged.get(&attempt))
    }

    /// What is known of an attempt that is not acknowledged.
    #[must_use]
    pub fn find_held(&self, attempt: AttemptId) -> Option<&Entry> {
        self.held.get(&attempt)
    }

    /// Whether the attempt may have been run and forgotten since. Ids grow, so all up to the greatest forgotten one may.
    #[must_use]
    pub fn may_have_forgotten(&self, attempt: AttemptId) -> bool {
        Some(attempt) <= self.forgotten
    }

    /// All attempts that are not acknowledged, by id.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        self.held
            .iter()
            .map(|(attempt, entry)| entry.held(*attempt))
            .collect()
    }

    /// Attempts that were accepted and have not ended, by id.
    pub fn alive(&self) -> impl Iterator<Item = (AttemptId, &Entry)> {
        self.held
            .iter()
            .filter(|(_, entry)| entry.end.is_none())
            .map(|(attempt, entry)| (*attempt, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::{end, order};
    use hcndc_core::engine::EndCause;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn with_ended(ids: impl Iterator<Item = u64>) -> Ledger {
        let mut ledger = Ledger::default();
        end_all(&mut ledger, ids);
        ledger
    }

    fn end_all(ledger: &mut Ledger, ids: impl Iterator<Item = u64>) {
        for id in ids {
            let attempt = AttemptId(id);
            for record in [
                Record::Accepted {
                    attempt,
                    fingerprint: id,
                    at: at(0),
                },
                Record::Ended {
                    attempt,
                    end: end(EndCause::Exited(0)),
                },
                Record::Acknowledged { attempt, at: at(0) },
            ] {
                ledger.apply(&record);
            }
        }
    }

    #[test]
    fn its_records_make_it_again() {
        let mut ledger = Ledger::default();
        ledger.apply(&Record::Realm {
            realm: "r".into(),
            era: 4,
        });
        ledger.apply(&Record::Key("k".into()));
        end_all(&mut ledger, 1..4);
        ledger.apply(&Record::Fence(Fence(3)));
        ledger.apply(&Record::Fence(Fence(2)));
        ledger.apply(&Record::Accepted {
            attempt: AttemptId(9),
            fingerprint: 1,
            at: at(1),
        });
        ledger.apply(&Record::Started {
            attempt: AttemptId(9),
            process: ProcessMark {
                pid: 4,
                born: 5,
                at: at(2),
            },
        });
        ledger.apply(&Record::Forgotten {
            up_to: AttemptId(0),
        });
        ledger.apply(&Record::Boot {
            id: "b".into(),
            beside: true,
        });
        let mut again = Ledger::default();
        ledger
            .to_records()
            .iter()
            .for_each(|record| again.apply(record));
        assert_eq!(again, ledger);
        assert_eq!(again.fence(), Fence(3));
        assert_eq!((again.realm(), again.era()), ("r", 4));
        assert_eq!((again.boot(), again.is_beside()), ("b", true));
    }

    #[test]
    fn what_was_never_begun_may_be_given_again() {
        let attempt = AttemptId(1);
        let mut ledger = Ledger::default();
        ledger.apply(&Record::Accepted {
            attempt,
            fingerprint: 1,
            at: at(1),
        });
        ledger.apply(&Record::Withdrawn { attempt });
        assert_eq!(ledger, Ledger::default());
    }

    #[test]
    fn another_realm_leaves_only_the_key() {
        let mut ledger = with_ended(1..4);
        ledger.forget(at(0).after(2 * TOMBSTONES_KEPT_FOR));
        ledger.apply(&Record::Key("k".into()));
        ledger.apply(&Record::Fence(Fence(3)));
        let realm = Record::Realm {
            realm: "r".into(),
            era: 1,
        };
        ledger.apply(&realm);
        let mut fresh = Ledger::default();
        fresh.apply(&Record::Key("k".into()));
        fresh.apply(&realm);
        assert_eq!(ledger, fresh);
        assert!(!ledger.may_have_forgotten(AttemptId(1)));
    }

    #[test]
    fn old_tombstones_go_and_leave_a_mark() {
        let mut ledger = with_ended(1..4);
        ledger.forget(at(0));
        assert!(ledger.find(AttemptId(3)).is_some());
        ledger.forget(at(0).after(TOMBSTONES_KEPT_FOR + Duration::from_secs(1)));
        assert!(ledger.find(AttemptId(3)).is_none());
        assert!(ledger.may_have_forgotten(AttemptId(3)));
        assert!(!ledger.may_have_forgotten(AttemptId(4)));
    }

    #[test]
    fn tombstones_are_bounded_in_number() {
        let mut ledger = with_ended(1..TOMBSTONES_KEPT as u64 + 11);
        ledger.forget(at(0));
        assert!(ledger.find(AttemptId(10)).is_none());
        assert!(ledger.find(AttemptId(11)).is_some());
    }

    #[test]
    fn orders_of_other_jobs_have_other_fingerprints() {
        let one = order(1, "true");
        let mut other = order(1, "true");
        other.job = "other".into();
        assert_ne!(fingerprint(&one), fingerprint(&other));
        assert_eq!(fingerprint(&one), fingerprint(&order(1, "false")));
    }
}

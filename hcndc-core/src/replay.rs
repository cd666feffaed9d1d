//! What went into an engine, recorded and played back: the same inputs at the same times make the same state, so a
//! user's trouble can be rebuilt from a file.
//!
//! ```text
//!   Observer::loaded, applying, applied ──► Record, Record, … ──► a file, or a Ring in memory
//!                                                │
//!                                                └──► Player::play ──► Engine, bit for bit, or where it differs
//! ```
//!
//! A recording begins where an engine was [loaded](Record::Loaded): the snapshot has all that was stored by then.
//! Nothing here does IO; with the feature `serde` each [`Record`] is a value to write, for instance as a line of JSON.
//!
//! # Examples
//! ```
//! use hcndc_core::{engine::*, model::*, replay::{Mark, Player, Record}, time::Timestamp};
//!
//! let at = Timestamp::from_micros(0);
//! let (settings, snapshot) = (Settings::default(), Snapshot::default());
//! let edits = vec![Edit::PutFlow(FlowDraft::new("nightly"))];
//! let input = Input::Edit(EditBatch { by: "ann".into(), edits });
//! let mut engine = Engine::load(at, settings.clone(), snapshot.clone())?;
//! let outcome = engine.apply(at, input.clone());
//!
//! let mut player = Player::default();
//! player.play(Record::Loaded { at, settings, snapshot: Box::new(snapshot) })?;
//! player.play(Record::Input { at, input: Box::new(input) })?;
//! player.play(Record::Outcome { mark: Mark::of(&outcome) })?;
//! assert_eq!(player.engine().expect("was loaded").snapshot(), engine.snapshot());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::{boxed::Box, collections::VecDeque};
use core::fmt::{self, Write as _};

use crate::{
    engine::{Engine, Input, Rejected, Settings, Snapshot, Step},
    time::Timestamp,
};

/// One thing that a recording holds, in order.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Record {
    /// An engine was loaded. What follows is its, until the next one is.
    Loaded {
        /// When.
        at: Timestamp,
        /// With which settings.
        settings: Settings,
        /// From what.
        snapshot: Box<Snapshot>,
    },
    /// An input was given to it. Recorded before it is applied, so that one that does harm is there too.
    Input {
        /// When.
        at: Timestamp,
        /// What.
        input: Box<Input>,
    },
    /// What came of the input before.
    Outcome {
        /// All of the step or the refusal, as one number.
        mark: Mark,
    },
}

/// A step or a refusal as one number: FNV-1a (64 bits) over its debug text. Equal outcomes of one version of this
/// crate have equal marks; another version may give others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Mark(pub u64);

impl Mark {
    /// The mark of what an input came to.
    #[must_use]
    pub fn of(outcome: &Result<Step, Rejected>) -> Self {
        Self::of_text(format_args!("{outcome:?}"))
    }

    /// The mark of all that an engine holds, its indexes and timers included.
    #[must_use]
    pub fn of_engine(engine: &Engine) -> Self {
        Self::of_text(format_args!("{engine:?}"))
    }

    fn of_text(text: fmt::Arguments<'_>) -> Self {
        struct Fnv(u64);
        impl fmt::Write for Fnv {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                for byte in text.bytes() {
                    self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
                Ok(())
            }
        }
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        // The hash takes everything.
        let _ = hash.write_fmt(text);
        Self(hash.0)
    }
}

/// Why a recording cannot be played on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It does not begin with [`Record::Loaded`].
    #[error("record {record} comes before an engine was loaded")]
    NotLoaded {
        /// Number of the record, from 0.
        record: u64,
    },
    /// What an engine was loaded from makes none.
    #[error("record {record} loads no engine")]
    BadSnapshot {
        /// Number of the record, from 0.
        record: u64,
        /// Why not.
        #[source]
        source: Rejected,
    },
    /// An outcome follows no input.
    #[error("record {record} is an outcome of nothing")]
    NoInput {
        /// Number of the record, from 0.
        record: u64,
    },
    /// The engine does something else now than when it was recorded.
    #[error("record {record} came to {recorded:?} and comes to {played:?} now")]
    Differs {
        /// Number of the record that holds the outcome, from 0.
        record: u64,
        /// What it came to.
        recorded: Mark,
        /// What it comes to.
        played: Mark,
    },
}

/// Plays records back, one by one.
#[derive(Clone, Debug, Default)]
pub struct Player {
    engine: Option<Engine>,
    outcome: Option<Result<Step, Rejected>>,
    played: u64,
}

impl Player {
    /// Plays the next record: loads, applies, or compares.
    ///
    /// # Errors
    /// [`ReplayError`]. After [`ReplayError::Differs`] it can go on; the engine has what came of it now.
    pub fn play(&mut self, record: Record) -> Result<(), ReplayError> {
        let number = self.played;
        self.played += 1;
        match record {
            Record::Loaded {
                at,
                settings,
                snapshot,
            } => {
                self.outcome = None;
                let loaded = Engine::load(at, settings, *snapshot);
                self.engine = Some(loaded.map_err(|source| ReplayError::BadSnapshot {
                    record: number,
                    source,
                })?);
            }
            Record::Input { at, input } => {
                let Some(engine) = &mut self.engine else {
                    return Err(ReplayError::NotLoaded { record: number });
                };
                self.outcome = Some(engine.apply(at, *input));
            }
            Record::Outcome { mark: recorded } => {
                let Some(outcome) = &self.outcome else {
                    return Err(ReplayError::NoInput { record: number });
                };
                let played = Mark::of(outcome);
                if played != recorded {
                    return Err(ReplayError::Differs {
                        record: number,
                        recorded,
                        played,
                    });
                }
            }
        }
        Ok(())
    }

    /// The engine as it stands; `None` before one was loaded.
    #[must_use]
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// What the latest input came to; `None` before the first one.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Result<Step, Rejected>> {
        self.outcome.as_ref()
    }

    /// Number of records played.
    #[must_use]
    pub const fn played(&self) -> u64 {
        self.played
    }
}

/// A recording in memory that keeps the latest records: whatever falls out at its old end is played, so that what
/// is left can always be replayed from where it begins.
///
/// It costs a second engine, and the time of one.
#[derive(Clone, Debug)]
pub struct Ring {
    base: Player,
    records: VecDeque<Record>,
    limit: usize,
}

impl Ring {
    /// An empty one that keeps up to this many records; at least 1.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            base: Player::default(),
            records: VecDeque::new(),
            limit: limit.max(1),
        }
    }

    /// Takes in what happened.
    ///
    /// # Errors
    /// As for [`Player::play`], about a record that fell out: what was recorded does not follow from what was
    /// recorded before.
    pub fn push(&mut self, record: Record) -> Result<(), ReplayError> {
        self.records.push_back(record);
        if self.records.len() > self.limit
            && let Some(oldest) = self.records.pop_front()
        {
            return self.base.play(oldest);
        }
        Ok(())
    }

    /// What is kept, the oldest first.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// The engine before the oldest record that is kept; `None` if that is the one that loads it.
    #[must_use]
    pub const fn base(&self) -> Option<&Engine> {
        self.base.engine()
    }

    /// Plays what is kept.
    ///
    /// # Errors
    /// As for [`Player::play`].
    pub fn replay(&self) -> Result<Player, ReplayError> {
        let mut player = self.base.clone();
        for record in &self.records {
            player.play(record.clone())?;
        }
        Ok(player)
    }
}

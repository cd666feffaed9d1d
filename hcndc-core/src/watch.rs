//! Which files have arrived: when to look for those of an event, and which of what is found counts.
//!
//! A [`Watch`] is as pure as the engine: it is told the time and what was found, and says what to look for and what has
//! arrived. It is stored nowhere. What was used stands in the engine, so a file that was found before a crash is found again
//! after it, and used once. A file counts when it was the same in two looks and for as long as its event asks, by the
//! scheduler's own clock: those of file servers differ. With a marker one look is enough.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString as _},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;

use chrono::Timelike as _;

use crate::{
    engine::Engine,
    id::FileEventId,
    model::{FileEvent, FilePer, FileServer, Window},
    port::{FoundFile, Look, Looked},
    time::{DataDate, Timestamp},
};

/// Dates that are looked for beside the latest, so that an outage of days misses no file.
const DAYS_BACK: i32 = 6;
/// The shortest wait before a file that was seen once is looked at again, where the event's interval is longer.
const SETTLE: Duration = Duration::from_secs(5);
/// The first wait after a look that failed; it doubles up to [`LONGEST_WAIT`]. An interval that is shorter stays.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Between two looks at the clock outside of a window.
const OUTSIDE: Duration = Duration::from_secs(60);
/// Characters of a key.
const LONGEST_KEY: usize = 255;

/// Files that schedules wait for.
#[derive(Debug, Default)]
pub struct Watch {
    events: BTreeMap<FileEventId, Watched>,
    /// Looks that were given out.
    looks: u64,
}

#[derive(Debug)]
struct Watched {
    event: Arc<FileEvent>,
    server: Arc<FileServer>,
    due: Timestamp,
    /// The look that is under way.
    open: Option<u64>,
    /// Files that do not count yet, by path.
    seen: BTreeMap<String, Seen>,
    failures: u32,
}

/// A file as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    modified: Timestamp,
    /// Since when it is like this.
    since: Timestamp,
}

/// A file that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The event that waits for it.
    pub event: FileEventId,
    /// What it is used by, once.
    pub key: String,
    /// The data date that it is for, if it tells.
    pub data_date: Option<DataDate>,
}

/// What came of a look, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Files that fit and were used before, or have just arrived.
    pub used: usize,
    /// Files that fit and do not count yet: they change, or are young, or lack their marker, or there is no room for more.
    pub waiting: usize,
    /// Files that cannot count: their names tell no date, or are too long.
    pub unfit: usize,
    /// Why it could not be looked, in the server's words.
    pub trouble: Option<String>,
}

impl Watch {
    /// Takes the events that schedules wait for as they are now. One that is new or has changed is looked for at once.
    pub fn follow(&mut self, now: Timestamp, engine: &Engine) {
        let mut wanted = BTreeSet::new();
        for event in engine.file_events() {
            let server = engine.file_server(event.server);
            let Some(server) = server.filter(|_| event.enabled && engine.awaits_file(event.id))
            else {
                continue;
            };
            wanted.insert(event.id);
            let known = self.events.get(&event.id);
            if known.is_some_and(|it| it.event == *event && it.server == *server) {
                continue;
            }
            let watched = Watched {
                event: Arc::clone(event),
                server: Arc::clone(server),
                due: now,
                open: None,
                seen: BTreeMap::new(),
                failures: 0,
            };
            self.events.insert(event.id, watched);
        }
        self.events.retain(|id, _| wanted.contains(id));
    }

    /// When something is to be looked for next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let waits = self.events.values().filter(|it| it.open.is_none());
        waits.map(|it| it.due).min()
    }

    /// What is to be looked for now.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Look> {
        let mut looks = Vec::new();
        for watched in self.events.values_mut() {
            if watched.open.is_some() || watched.due > now {
                continue;
            }
            let event = &watched.event;
            if !is_in(event, now) {
                watched.due = now.after(event.interval.min(OUTSIDE));
                continue;
            }
            self.looks += 1;
            watched.open = Some(self.looks);
            watched.due = now.after(event.interval);
            looks.push(Look {
                number: self.looks,
                event: Arc::clone(event),
                server: Arc::clone(&watched.server),
                dates: dates(event, now),
            });
        }
        looks
    }

    /// Takes what came of a look, and gives what has arrived by it; `None` if the look is of an event as it was before a change.
    /// `is_used` says whether a key of the event was used; no more than `room` arrive at once, and the others soon.
    pub fn looked(
        &mut self,
        now: Timestamp,
        looked: Looked,
        room: usize,
        is_used: impl Fn(&str) -> bool,
    ) -> Option<(Sight, Vec<Arrival>)> {
        let id = looked.event;
        let watched = self.events.get_mut(&id)?;
        if watched.open != Some(looked.number) {
            return None;
        }
        watched.open = None;
        let mut sight = Sight::default();
        let files = match looked.found {
            Ok(files) => files,
            Err(reason) => {
                let wait = FIRST_WAIT.saturating_mul(1 << watched.failures.min(10));
                watched.failures = watched.failures.saturating_add(1);
                let again = now.after(wait.min(LONGEST_WAIT));
                watched.due = watched.due.max(now).min(again);
                sight.trouble = Some(reason);
                return Some((sight, Vec::new()));
            }
        };
        watched.failures = 0;
        let mut is_crowded = false;
        let before = core::mem::take(&mut watched.seen);
        let event = &watched.event;
        let mut arrived: BTreeMap<String, Option<DataDate>> = BTreeMap::new();
        for file in files {
            let Some(key) = key(event, &file) else {
                sight.unfit += 1;
                continue;
            };
            if arrived.contains_key(&key) || is_used(&key) {
                sight.used += 1;
                continue;
            }
            let mut seen = Seen {
                size: file.size,
                modified: file.modified,
                since: now,
            };
            let same = before
                .get(&file.path)
                .filter(|it| (it.size, it.modified) == (seen.size, seen.modified));
            seen.since = same.map_or(now, |it| it.since);
            let settled = same.is_some() || event.marker.is_some();
            let left = event.min_age.saturating_sub(now.since(seen.since));
            let counts = file.is_complete && settled && left.is_zero();
            if counts && arrived.len() < room {
                sight.used += 1;
                arrived.insert(key, file.date);
                continue;
            }
            sight.waiting += 1;
            is_crowded |= counts;
            if file.is_complete && !counts {
                watched.due = watched.due.min(now.after(left.max(SETTLE)));
            }
            watched.seen.insert(file.path, seen);
        }
        // Those that had no room follow soon, but not while there is none.
        if is_crowded && !arrived.is_empty() {
            watched.due = watched.due.min(now.after(SETTLE));
        }
        let arrivals = arrived.into_iter().map(|(key, data_date)| Arrival {
            event: id,
            key,
            data_date,
        });
        Some((sight, arrivals.collect()))
    }
}

/// The data dates that an event's files are looked for: up to yesterday in its zone, and for no day before the event was made.
#[must_use]
pub fn dates(event: &FileEvent, now: Timestamp) -> Vec<DataDate> {
    let latest = DataDate::day_before(now, event.zone);
    let first = DataDate::day_before(event.revision.created_at, event.zone);
    let back = (0..=DAYS_BACK).filter_map(|days| latest.plus_days(-days));
    back.filter(|date| *date >= first.min(latest)).collect()
}

/// What a file of an event is used by, once; `None` if it cannot be. Of a date: that date, or the day on which the file was written if it
/// tells none. Of a file: its path; and where that is always the same, the time at which the file was written, too.
#[must_use]
pub fn key(event: &FileEvent, file: &FoundFile) -> Option<String> {
    let path = &file.path;
    let key = match event.per {
        FilePer::Date => match file.date {
            Some(date) => date.to_string(),
            None if event.date_pattern.is_some() => return None,
            None => {
                let written = file.modified.to_utc().with_timezone(&event.zone);
                written.date_naive().format("%Y-%m-%d").to_string()
            }
        },
        FilePer::File if event.date_pattern.is_some() && file.date.is_none() => return None,
        FilePer::File if is_fixed(&event.path) => format!("{path}@{}", file.modified),
        FilePer::File => path.clone(),
    };
    (key.chars().count() <= LONGEST_KEY).then_some(key)
}

/// Whether a path is of one file.
fn is_fixed(path: &str) -> bool {
    !path.contains(['*', '?']) && !path.contains("${date")
}

/// Whether an event is watched at this moment.
fn is_in(event: &FileEvent, now: Timestamp) -> bool {
    let Some(Window { from, to }) = event.window else {
        return true;
    };
    let local = now.to_utc().with_timezone(&event.zone);
    let second = local.num_seconds_from_midnight();
    let (from, to) = (from.as_secs(), to.as_secs());
    match from <= to {
        true => (from..=to).contains(&second),
        false => second >= from || second <= to,
    }
}

#[cfg(test)]
mod tests;

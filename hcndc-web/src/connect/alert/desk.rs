//! Who is told what, and when: a queue for each channel, as a pure state machine.
//!
//! ```text
//!   open ──► waiting, until its group is full of age ──► take_due: one message ──► sent ──┬─► done
//!              ▲    quiet hours and the hourly limit hold it back                         │
//!              └────────────────── later, with a growing wait ◄──────── not delivered ◄───┘──► given up, and why
//! ```
//!
//! Channels know nothing of each other: one that is slow or broken holds up no other. An alert is done with when each of its
//! channels is done with it; people were told if one of them delivered.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use chrono::{NaiveTime, TimeDelta, Timelike as _};
use chrono_tz::Tz;
use hcndc_core::{
    id::{AlertChannelId, AlertId},
    time::Timestamp,
};

use crate::connect::settings::Hours;

/// The span that the limit of messages counts in.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Characters of a reason that is kept with an alert.
const LONGEST_REASON: usize = 500;

/// How fast a channel is spoken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long the first alert of a message waits for others.
    pub group: Duration,
    /// Messages in any hour at most; not zero.
    pub per_hour: u32,
    /// When nothing is told.
    pub quiet: Option<(Hours, Tz)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            group: Duration::from_secs(5),
            per_hour: 60,
            quiet: None,
        }
    }
}

/// How long it is tried to tell people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The wait after the first failure; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub longest_wait: Duration,
    /// How old an alert may be on its channel before it is given up there.
    pub give_up_after: Duration,
    /// Refusals in a row after which a message is given up: what the other side refuses, it refuses again.
    pub refusals: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(5),
            longest_wait: Duration::from_secs(10 * 60),
            give_up_after: Duration::from_secs(24 * 60 * 60),
            refusals: 6,
        }
    }
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The other side cannot be reached, or asks for time.
    #[error("{reason}")]
    Later {
        /// In its own words, where it has any; no secret.
        reason: String,
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
    /// The other side will not have it, or the settings do not do.
    #[error("{reason}")]
    Refused {
        /// In its own words, where it has any; no secret.
        reason: String,
    },
    /// There is no such channel any more, or it is not to be used.
    #[error("{reason}")]
    Gone {
        /// Which of the two.
        reason: String,
    },
}

/// An alert that is done with: `None` if people were told, else why not.
pub type Done = (AlertId, Option<String>);

/// All channels' queues.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    patience: Patience,
    lines: BTreeMap<AlertChannelId, Line>,
    open: BTreeMap<AlertId, Open>,
}

/// An alert that some channel is not done with.
#[derive(Clone, Debug)]
struct Open {
    left: usize,
    told: bool,
    reasons: Vec<String>,
}

/// A channel's queue.
#[derive(Clone, Debug, Default)]
struct Line {
    pace: Pace,
    waiting: BTreeMap<AlertId, Timestamp>,
    sending: BTreeMap<AlertId, Timestamp>,
    failures: u32,
    refusals: u32,
    not_before: Option<Timestamp>,
    /// Messages of the last hour, oldest first.
    sent: VecDeque<Timestamp>,
}

impl Desk {
    /// An empty desk of this patience.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            ..Self::default()
        }
    }

    /// Whether an alert is open here.
    #[must_use]
    pub fn has(&self, alert: AlertId) -> bool {
        self.open.contains_key(&alert)
    }

    /// Takes an alert in, to be told on these channels; at least one, each once. One that is open stays as it is.
    pub fn open(&mut self, now: Timestamp, alert: AlertId, channels: &[(AlertChannelId, Pace)]) {
        if self.has(alert) || channels.is_empty() {
            return;
        }
        let open = Open {
            left: channels.len(),
            told: false,
            reasons: Vec::new(),
        };
        self.open.insert(alert, open);
        for (channel, pace) in channels {
            let line = self.lines.entry(*channel).or_default();
            line.pace = *pace;
            line.waiting.insert(alert, now);
        }
    }

    /// What is to be sent now: for each channel that is due, all alerts that wait there, as one message. Each is
    /// answered with [`sent`](Self::sent) before that channel is due again.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<(AlertChannelId, Vec<AlertId>)> {
        let mut due = Vec::new();
        for (channel, line) in &mut self.lines {
            line.forget(now);
            if line.due_at().is_some_and(|at| at <= now) {
                line.sending = std::mem::take(&mut line.waiting);
                due.push((*channel, line.sending.keys().copied().collect()));
            }
        }
        due
    }

    /// When something may be due next, if nothing happens.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.lines.values().filter_map(Line::due_at).min()
    }

    /// What became of a channel's message. Tells which alerts are done with by that.
    pub fn sent(
        &mut self,
        now: Timestamp,
        channel: AlertChannelId,
        outcome: Result<(), SendError>,
    ) -> Vec<Done> {
        let Some(line) = self.lines.get_mut(&channel) else {
            return Vec::new();
        };
        let batch = std::mem::take(&mut line.sending);
        let settled = line.settle(now, batch, outcome, &self.patience);
        if line.waiting.is_empty() && line.sent.is_empty() && line.not_before.is_none() {
            self.lines.remove(&channel);
        }
        let mut done = Vec::new();
        for (alert, why) in settled {
            let Some(open) = self.open.get_mut(&alert) else {
                continue;
            };
            open.left -= 1;
            match why {
                None => open.told = true,
                Some(why) => open.reasons.push(why),
            }
            if open.left == 0
                && let Some(open) = self.open.remove(&alert)
            {
                done.push((alert, open.outcome()));
            }
        }
        done
    }
}

impl Open {
    fn outcome(self) -> Option<String> {
        (!self.told).then(|| {
            let all = self.reasons.join("; ");
            all.chars().take(LONGEST_REASON).collect()
        })
    }
}

impl Line {
    /// When its next message may go.
    fn due_at(&self) -> Option<Timestamp> {
        if !self.sending.is_empty() {
            return None;
        }
        let first = self.waiting.values().min()?;
        let mut at = first.after(self.pace.group);
        at = self.not_before.map_or(at, |other| at.max(other));
        let most = self.pace.per_hour.max(1) as usize;
        if let Some(oldest) = self.sent.len().checked_sub(most) {
            at = at.max(self.sent[oldest].after(HOUR));
        }
        Some(match self.pace.quiet {
            Some((hours, zone)) => after_quiet(at, hours, zone),
            None => at,
        })
    }

    /// Forgets what the limit counts no more.
    fn forget(&mut self, now: Timestamp) {
        while self.sent.front().is_some_and(|at| at.after(HOUR) <= now) {
            self.sent.pop_front();
        }
    }

    /// Takes note of a message's outcome. Tells which of its alerts this channel is done with, and why if not by telling.
    fn settle(
        &mut self,
        now: Timestamp,
        batch: BTreeMap<AlertId, Timestamp>,
        outcome: Result<(), SendError>,
        patience: &Patience,
    ) -> Vec<Done> {
        let all = |batch: BTreeMap<AlertId, Timestamp>, why: Option<String>| {
            let each = batch.into_keys().map(|alert| (alert, why.clone()));
            each.collect::<Vec<_>>()
        };
        let (reason, after) = match outcome {
            Ok(()) => {
                (self.failures, self.refusals, self.not_before) = (0, 0, None);
                self.sent.push_back(now);
                return all(batch, None);
            }
            Err(SendError::Gone { reason }) => {
                (self.failures, self.refusals, self.not_before) = (0, 0, None);
                return all(batch, Some(reason));
            }
            Err(SendError::Refused { reason }) => {
                self.refusals += 1;
                if self.refusals >= patience.refusals {
                    // The next message is tried anew: somebody may have mended the settings by then.
                    (self.failures, self.refusals, self.not_before) = (0, 0, None);
                    return all(batch, Some(reason));
                }
                (reason, None)
            }
            Err(SendError::Later { reason, after }) => {
                self.refusals = 0;
                (reason, after)
            }
        };
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = patience.first_wait.saturating_mul(doubled);
        let wait = wait.min(patience.longest_wait);
        // Nobody is obeyed who asks for more than the longest wait that we would take.
        let wait = wait.max(after.unwrap_or_default().min(patience.longest_wait));
        self.failures = (self.failures + 1).min(31);
        self.not_before = Some(now.after(wait));
        let mut given_up = BTreeMap::new();
        for (alert, since) in batch {
            match since.after(patience.give_up_after) <= now {
                true => given_up.insert(alert, since),
                false => self.waiting.insert(alert, since),
            };
        }
        all(given_up, Some(reason))
    }
}

/// The first moment from `at` on that lies outside of these hours.
fn after_quiet(at: Timestamp, hours: Hours, zone: Tz) -> Timestamp {
    let time_at = |at: Timestamp| at.to_utc().with_timezone(&zone).time();
    let time = time_at(at);
    if !hours.holds(time) {
        return at;
    }
    let seconds = |time: NaiveTime| i64::from(time.num_seconds_from_midnight());
    let left = TimeDelta::seconds((seconds(hours.to) - seconds(time)).rem_euclid(86_400));
    let end = at.after(left.to_std().unwrap_or_default());
    // A change of the clock within the hours: what is left of them passes by the minute, an hour or two at most.
    (0..=180)
        .map(|minutes| end.after(Duration::from_secs(60 * minutes)))
        .find(|at| !hours.holds(time_at(*at)))
        .unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AlertChannelId = AlertChannelId(1);
    const B: AlertChannelId = AlertChannelId(2);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    fn desk() -> Desk {
        Desk::new(Patience::default())
    }

    fn later() -> Result<(), SendError> {
        Err(SendError::Later {
            reason: "no answer".into(),
            after: None,
        })
    }

    fn refused() -> Result<(), SendError> {
        let reason = "no".into();
        Err(SendError::Refused { reason })
    }

    #[test]
    fn alerts_that_come_close_together_are_one_message() {
        let mut desk = desk();
        desk.open(at(0), AlertId(1), &[(A, Pace::default())]);
        desk.open(at(3), AlertId(2), &[(A, Pace::default())]);
        assert_eq!(desk.next_wakeup(), Some(at(5)));
        assert_eq!(desk.take_due(at(4)), []);
        assert_eq!(desk.take_due(at(5)), [(A, vec![AlertId(1), AlertId(2)])]);
        assert_eq!(desk.next_wakeup(), None);
        desk.open(at(6), AlertId(3), &[(A, Pace::default())]);
        assert_eq!(desk.take_due(at(60)), [], "one message at a time");
        let done = desk.sent(at(61), A, Ok(()));
        assert_eq!(done, [(AlertId(1), None), (AlertId(2), None)]);
        assert_eq!(desk.take_due(at(61)), [(A, vec![AlertId(3)])]);
    }

    #[test]
    fn a_channel_that_fails_holds_up_no_other_and_is_tried_ever_more_rarely() {
        let mut desk = desk();
        let both = [(A, Pace::default()), (B, Pace::default())];
        desk.open(at(0), AlertId(1), &both);
        assert_eq!(desk.take_due(at(5)).len(), 2);
        assert_eq!(desk.sent(at(5), A, later()), []);
        assert_eq!(desk.sent(at(5), B, Ok(())), []);
        let mut now = 5;
        for wait in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
            assert_eq!(desk.next_wakeup(), Some(at(now + wait)));
            now += wait;
            assert_eq!(desk.take_due(at(now)), [(A, vec![AlertId(1)])]);
            assert_eq!(desk.sent(at(now), A, later()), []);
        }
        now += 600;
        assert_eq!(desk.take_due(at(now)).len(), 1);
        assert_eq!(desk.sent(at(now), A, Ok(())), [(AlertId(1), None)]);
    }

    #[test]
    fn after_a_day_without_an_answer_it_is_given_up_with_the_reason() {
        let mut desk = desk();
        desk.open(at(0), AlertId(1), &[(A, Pace::default())]);
        desk.take_due(at(86_399));
        assert_eq!(desk.sent(at(86_399), A, later()), []);
        desk.take_due(at(86_500));
        let done = desk.sent(at(86_500), A, later());
        assert_eq!(done, [(AlertId(1), Some("no answer".into()))]);
        assert!(!desk.has(AlertId(1)));
    }

    #[test]
    fn what_is_refused_again_and_again_is_given_up_and_the_next_is_tried_anew() {
        let mut desk = desk();
        desk.open(at(0), AlertId(1), &[(A, Pace::default())]);
        for number in 1..=6 {
            let now = desk.next_wakeup().expect("it waits");
            assert_eq!(desk.take_due(now).len(), 1);
            let done = desk.sent(now, A, refused());
            let expected = (number == 6).then(|| (AlertId(1), Some("no".to_owned())));
            assert_eq!(done, Vec::from_iter(expected));
        }
        desk.open(at(5_000), AlertId(2), &[(A, Pace::default())]);
        assert_eq!(desk.next_wakeup(), Some(at(5_005)));
    }

    #[test]
    fn people_were_told_if_one_channel_told_them() {
        let mut desk = desk();
        let both = [(A, Pace::default()), (B, Pace::default())];
        desk.open(at(0), AlertId(1), &both);
        desk.take_due(at(5));
        let reason = "it is not enabled".to_owned();
        assert_eq!(desk.sent(at(5), A, Err(SendError::Gone { reason })), []);
        assert_eq!(desk.sent(at(6), B, Ok(())), [(AlertId(1), None)]);
    }

    #[test]
    fn no_more_messages_than_allowed_go_in_an_hour() {
        let mut desk = desk();
        let pace = Pace {
            per_hour: 2,
            ..Pace::default()
        };
        for (number, now) in [(1, 0), (2, 100)] {
            desk.open(at(now), AlertId(number), &[(A, pace)]);
            assert_eq!(desk.take_due(at(now + 5)).len(), 1);
            desk.sent(at(now + 5), A, Ok(()));
        }
        for number in 3..=9 {
            desk.open(at(200 + number), AlertId(number), &[(A, pace)]);
        }
        assert_eq!(desk.next_wakeup(), Some(at(3_605)));
        assert_eq!(desk.take_due(at(3_604)), []);
        assert_eq!(desk.take_due(at(3_605))[0].1.len(), 7);
    }

    #[test]
    fn in_quiet_hours_alerts_wait_for_their_end() {
        let mut desk = desk();
        let hours = Hours::parse("22:00-07:00").expect("hours");
        let pace = Pace {
            quiet: Some((hours, Tz::Asia__Shanghai)),
            ..Pace::default()
        };
        // 15:00 UTC is 23:00 there, and 07:00 there is 23:00 UTC.
        desk.open(at(15 * 3_600), AlertId(1), &[(A, pace)]);
        assert_eq!(desk.next_wakeup(), Some(at(23 * 3_600)));
        desk.open(at(15 * 3_600 + 1), AlertId(2), &[(A, pace)]);
        assert_eq!(desk.take_due(at(23 * 3_600))[0].1.len(), 2);
    }

    #[test]
    fn quiet_hours_end_with_the_clock_that_changes_in_them() {
        let hours = Hours::parse("01:00-02:30").expect("hours");
        // On 2026-03-29 Berlin's clock goes from 02:00 to 03:00, at 01:00 UTC.
        let begin: Timestamp = "2026-03-29T00:30:00Z".parse().expect("a time");
        let end = after_quiet(begin, hours, Tz::Europe__Berlin);
        assert_eq!(end, "2026-03-29T01:30:00Z".parse().expect("a time"));
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it() {
        let mut desk = desk();
        desk.open(at(0), AlertId(1), &[(A, Pace::default())]);
        desk.take_due(at(5));
        let busy = SendError::Later {
            reason: "busy".into(),
            after: Some(Duration::from_secs(60)),
        };
        desk.sent(at(5), A, Err(busy));
        assert_eq!(desk.next_wakeup(), Some(at(65)));
    }
}

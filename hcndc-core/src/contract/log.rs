//! The suite of [`LogStore`]: [`log_contract!`](crate::log_contract) makes a `#[test]` of every case here.

use alloc::{vec, vec::Vec};
use core::future::Future;

use futures_util::future::join;

use crate::{
    id::AttemptId,
    port::{ErrorKind, LogEntry, LogStore, PortError as _, Stream},
    time::Timestamp,
};

/// Opens logs for the cases. Each case gets one of its own.
pub trait LogFixture {
    /// The adapter under test.
    type Log: LogStore;
    /// Whatever keeps its data alive, and takes it away when dropped.
    type Guard;

    /// Runs a case to its end, on whatever runtime the adapter needs.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Opens an empty log.
    fn fresh(&self) -> impl Future<Output = (Self::Log, Self::Guard)>;

    /// Opens the same data again, as after a restart.
    fn reopen(&self, guard: &Self::Guard) -> impl Future<Output = Self::Log>;
}

/// Makes a `#[test]` of every case in [`contract::log`](crate::contract::log).
///
/// The argument is an expression that gives a [`LogFixture`](crate::contract::log::LogFixture).
#[macro_export]
macro_rules! log_contract {
    ($fixture:expr) => {
        $crate::log_contract! { @ $fixture;
            what_was_appended_is_read_back,
            any_bytes_are_read_back,
            logs_do_not_mix,
            what_was_appended_survives_reopening,
            reading_in_steps_gives_everything_once,
            a_read_keeps_to_its_limit,
            a_read_gives_at_least_one_entry,
            an_unknown_attempt_reads_as_empty,
            a_silent_attempt_is_complete_once_finished,
            a_finished_log_stays_complete,
            finishing_twice_is_finishing,
            waiting_for_what_is_there_returns_at_once,
            waiting_ends_with_the_next_entry,
            waiting_ends_with_the_log,
            a_deleted_log_is_unknown,
            a_wrong_position_is_refused_or_reads_as_nothing,
        }
    };
    (@ $fixture:expr; $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::log::LogFixture as _;
            let fixture = $fixture;
            fixture.block_on(async {
                let (log, guard) = fixture.fresh().await;
                $crate::contract::log::$case(&fixture, &log, &guard).await;
            });
        }
    )*};
}

const ONE: AttemptId = AttemptId(1);

fn entry(stream: Stream, at: i64, bytes: &[u8]) -> LogEntry {
    LogEntry {
        at: Timestamp::from_micros(at),
        stream,
        bytes: bytes.to_vec(),
    }
}

fn some_entries() -> Vec<LogEntry> {
    vec![
        entry(Stream::Stdout, 1, b"first\n"),
        entry(Stream::Stderr, 2, b"second"),
        entry(Stream::Executor, 2, b"third\n"),
    ]
}

async fn read_all<L: LogStore>(log: &L, attempt: AttemptId, step: usize) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    let mut from = 0;
    loop {
        let read = log.read(attempt, from, step).await.expect("it can be read");
        if read.entries.is_empty() {
            return entries;
        }
        entries.extend(read.entries);
        from = read.next;
    }
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($fixture:ident, $log:ident, $guard:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// When the clause does not hold.
        pub async fn $name<F: LogFixture>($fixture: &F, $log: &F::Log, $guard: &F::Guard) {
            let _ = ($fixture, $guard);
            $body
        }
    )*};
}

cases! {
    /// Clause 1.
    what_was_appended_is_read_back(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        log.append(ONE, &[]).await.expect("appends nothing");
        log.append(ONE, &some_entries()).await.expect("appends");
        let mut expected = some_entries();
        expected.extend(some_entries());
        assert_eq!(read_all(log, ONE, usize::MAX).await, expected);
    }

    /// Clause 1: also what is no text, what is empty, and what is as long as it may be.
    any_bytes_are_read_back(fixture, log, guard) {
        let long: Vec<u8> = (0..64 << 10).map(|i: u32| i as u8).collect();
        let entries = [
            entry(Stream::Stdout, 0, &[0, 255, 10, 13]),
            entry(Stream::Stderr, -1, b""),
            entry(Stream::Stdout, i64::MAX, &long),
        ];
        log.append(ONE, &entries).await.expect("appends");
        assert_eq!(read_all(log, ONE, usize::MAX).await, entries);
    }

    /// Clause 1, of several attempts.
    logs_do_not_mix(fixture, log, guard) {
        for id in [1, 2, 1024, u64::MAX] {
            let entry = entry(Stream::Stdout, 1, &id.to_le_bytes());
            log.append(AttemptId(id), &[entry]).await.expect("appends");
        }
        for id in [1, 2, 1024, u64::MAX] {
            let read = read_all(log, AttemptId(id), usize::MAX).await;
            assert_eq!(read, [entry(Stream::Stdout, 1, &id.to_le_bytes())]);
        }
    }

    /// Clauses 1 and 4, after a restart.
    what_was_appended_survives_reopening(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        let again = fixture.reopen(guard).await;
        assert_eq!(read_all(&again, ONE, usize::MAX).await, some_entries());
        again.append(ONE, &some_entries()).await.expect("appends");
        again.finish(ONE).await.expect("finishes");
        let last = fixture.reopen(guard).await;
        assert_eq!(read_all(&last, ONE, usize::MAX).await.len(), 6);
        assert!(last.read(ONE, 0, usize::MAX).await.expect("reads").complete);
    }

    /// Clause 2.
    reading_in_steps_gives_everything_once(fixture, log, guard) {
        let mut expected = Vec::new();
        let mut read = Vec::new();
        let mut from = 0;
        for i in 0..200 {
            let text = [b'x'; 300];
            let entry = entry(Stream::Stdout, i, &text[..(i as usize * 7) % 300]);
            log.append(ONE, core::slice::from_ref(&entry)).await.expect("appends");
            expected.push(entry);
            if i % 3 == 0 {
                let some = log.read(ONE, from, 500).await.expect("reads");
                from = some.next;
                read.extend(some.entries);
            }
        }
        loop {
            let some = log.read(ONE, from, 500).await.expect("reads");
            if some.entries.is_empty() {
                break;
            }
            from = some.next;
            read.extend(some.entries);
        }
        assert_eq!(read, expected);
    }

    /// Clause 3.
    a_read_keeps_to_its_limit(fixture, log, guard) {
        let entries = vec![entry(Stream::Stdout, 1, &[b'x'; 1000]); 100];
        log.append(ONE, &entries).await.expect("appends");
        let read = log.read(ONE, 0, 10_000).await.expect("reads");
        let bytes: usize = read.entries.iter().map(|entry| entry.bytes.len()).sum();
        assert!((5_000..=20_000).contains(&bytes), "{bytes} bytes instead of about 10,000");
    }

    /// Clause 3.
    a_read_gives_at_least_one_entry(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        for limit in [0, 1] {
            let read = log.read(ONE, 0, limit).await.expect("reads");
            assert_eq!(read.entries, some_entries()[..1]);
        }
    }

    /// Clause 4.
    an_unknown_attempt_reads_as_empty(fixture, log, guard) {
        let read = log.read(ONE, 0, 100).await.expect("reads");
        assert!(read.entries.is_empty() && !read.complete);
    }

    /// Clause 4.
    a_silent_attempt_is_complete_once_finished(fixture, log, guard) {
        log.finish(ONE).await.expect("finishes");
        let read = log.read(ONE, 0, 100).await.expect("reads");
        assert!(read.entries.is_empty() && read.complete);
    }

    /// Clause 4: wherever it is read from.
    a_finished_log_stays_complete(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        let before = log.read(ONE, 0, usize::MAX).await.expect("reads");
        assert!(!before.complete);
        log.finish(ONE).await.expect("finishes");
        for _ in 0..2 {
            let after = log.read(ONE, before.next, 100).await.expect("reads");
            assert!(after.entries.is_empty() && after.complete);
            let again = log.read(ONE, after.next, 100).await.expect("reads");
            assert!(again.entries.is_empty() && again.complete);
        }
    }

    /// Clause 4.
    finishing_twice_is_finishing(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        log.finish(ONE).await.expect("finishes");
        log.finish(ONE).await.expect("finishes again");
        assert_eq!(read_all(log, ONE, usize::MAX).await, some_entries());
    }

    /// Clause 5.
    waiting_for_what_is_there_returns_at_once(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        log.wait(ONE, 0).await.expect("waits");
        let read = log.read(ONE, 0, usize::MAX).await.expect("reads");
        log.finish(ONE).await.expect("finishes");
        log.wait(ONE, read.next).await.expect("waits");
    }

    /// Clause 5.
    waiting_ends_with_the_next_entry(fixture, log, guard) {
        // Also of an attempt that nothing is known of yet.
        let append = async { log.append(ONE, &some_entries()).await };
        let (waited, appended) = join(log.wait(ONE, 0), append).await;
        waited.expect("waits");
        appended.expect("appends");
        let from = log.read(ONE, 0, usize::MAX).await.expect("reads").next;
        let append = async { log.append(ONE, &some_entries()).await };
        let (waited, appended) = join(log.wait(ONE, from), append).await;
        waited.expect("waits");
        appended.expect("appends");
        assert_eq!(log.read(ONE, from, usize::MAX).await.expect("reads").entries, some_entries());
    }

    /// Clause 5.
    waiting_ends_with_the_log(fixture, log, guard) {
        let finish = async { log.finish(ONE).await };
        let (waited, finished) = join(log.wait(ONE, 0), finish).await;
        waited.expect("waits");
        finished.expect("finishes");
    }

    /// Clause 6.
    a_deleted_log_is_unknown(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        log.finish(ONE).await.expect("finishes");
        log.delete(ONE).await.expect("deletes");
        log.delete(ONE).await.expect("deletes what is not there");
        let read = log.read(ONE, 0, 100).await.expect("reads");
        assert!(read.entries.is_empty() && !read.complete);
        log.append(ONE, &some_entries()[..1]).await.expect("appends");
        assert_eq!(read_all(log, ONE, usize::MAX).await, some_entries()[..1]);
    }

    /// Clause 7.
    a_wrong_position_is_refused_or_reads_as_nothing(fixture, log, guard) {
        log.append(ONE, &some_entries()).await.expect("appends");
        let mut given = vec![0];
        loop {
            let read = log.read(ONE, given[given.len() - 1], 1).await.expect("reads");
            if read.entries.is_empty() {
                break;
            }
            given.push(read.next);
        }
        let end = given[given.len() - 1];
        for position in (0..end + 100).chain([u64::MAX, u64::MAX / 2]) {
            if given.contains(&position) {
                continue;
            }
            match log.read(ONE, position, 100).await {
                Ok(read) => assert!(read.entries.is_empty(), "position {position} reads"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid),
            }
        }
    }
}

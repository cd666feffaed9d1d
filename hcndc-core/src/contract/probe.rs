//! The suite of [`FileProbe`]: [`probe_contract!`](crate::probe_contract) makes a `#[test]` of every case here.

use alloc::{
    borrow::ToOwned as _,
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec,
    vec::Vec,
};
use core::{future::Future, time::Duration};

use futures_util::FutureExt as _;

use crate::{
    id::{FileEventId, FileServerId},
    model::{FileEvent, FilePer, FileServer, Revision},
    port::{FileProbe, FoundFile, Look, Looked},
    time::{DataDate, Timestamp},
};

/// Makes probes, and files for them to find. Each case gets its own.
pub trait ProbeFixture {
    /// The adapter under test.
    type Probe: FileProbe;

    /// Runs a case to its end, on whatever runtime the adapter needs; panics if that takes minutes.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Makes a probe that has not looked for anything.
    fn fresh(&self) -> impl Future<Output = Self::Probe>;

    /// A server whose files [`put`](Self::put) makes.
    fn server(&self) -> FileServer;

    /// A server that nobody can look at.
    fn gone(&self) -> FileServer;

    /// The folder on the server in which files are made; begins with a slash and ends with none.
    fn root(&self) -> String;

    /// Makes a file in a folder below the root, with all folders above it.
    fn put(&self, path: &str, content: &str);

    /// What stands in the settings of the servers, and must be told to nobody.
    fn secret(&self) -> String;
}

/// Makes a `#[test]` of every case in [`contract::probe`](crate::contract::probe).
///
/// The argument is an expression that gives a [`ProbeFixture`](crate::contract::probe::ProbeFixture); or, after `optional`, an
/// `Option` of one, and cases pass over where there is none.
#[macro_export]
macro_rules! probe_contract {
    (optional $fixture:expr) => {
        $crate::probe_contract! { @ $fixture;
            looks_are_taken_while_others_are_open,
            every_look_is_told_once_under_its_number,
            files_that_fit_are_found_and_nothing_else,
            a_file_is_told_as_it_is,
            dates_stand_in_paths_and_in_names,
            a_marker_makes_a_file_complete,
            a_place_that_is_not_there_holds_no_file,
            a_server_out_of_reach_is_told_without_secrets,
            a_dropped_wait_loses_nothing,
        }
    };
    ($fixture:expr) => {
        $crate::probe_contract! { optional Some($fixture) }
    };
    (@ $fixture:expr; $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::probe::ProbeFixture as _;
            let Some(fixture) = $fixture else {
                return;
            };
            fixture.block_on(async {
                let probe = fixture.fresh().await;
                $crate::contract::probe::$case(&fixture, &probe).await;
            });
        }
    )*};
}

/// An event whose files lie at this path below the root.
fn event<F: ProbeFixture>(fixture: &F, path: &str) -> FileEvent {
    let now = Timestamp::from_micros(0);
    FileEvent {
        id: FileEventId(7),
        name: "event".to_owned(),
        directory: "/".to_owned(),
        description: String::new(),
        enabled: true,
        server: FileServerId(1),
        path: format!("{}{path}", fixture.root()),
        window: None,
        zone: chrono_tz::Tz::UTC,
        interval: Duration::from_secs(60),
        min_age: Duration::ZERO,
        marker: None,
        per: FilePer::Date,
        date_pattern: None,
        revision: Revision {
            version: 1,
            created_at: now,
            created_by: "test".to_owned(),
            updated_at: now,
            updated_by: "test".to_owned(),
        },
    }
}

fn date(text: &str) -> DataDate {
    text.parse().expect("it is a date")
}

fn look(number: u64, event: FileEvent, server: FileServer) -> Look {
    Look {
        number,
        event: Arc::new(event),
        server: Arc::new(server),
        dates: vec![date("2026-11-21"), date("2026-11-20")],
    }
}

/// What came of the only look that is open.
async fn found<F: ProbeFixture>(fixture: &F, probe: &F::Probe, event: FileEvent) -> Vec<FoundFile> {
    probe.look(look(1, event, fixture.server()));
    let looked = probe.recv().await;
    assert_eq!((looked.event, looked.number), (FileEventId(7), 1));
    looked.found.expect("the server is there")
}

/// Paths below the root, and dates.
fn told<F: ProbeFixture>(fixture: &F, found: &[FoundFile]) -> Vec<(String, Option<DataDate>)> {
    let root = fixture.root();
    let told = found.iter().map(|file| {
        let path = file
            .path
            .strip_prefix(&root)
            .expect("it lies below the root");
        (path.to_owned(), file.date)
    });
    told.collect()
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($fixture:ident, $probe:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// When the clause does not hold.
        pub async fn $name<F: ProbeFixture>($fixture: &F, $probe: &F::Probe) $body
    )*};
}

cases! {
    /// Clause 1: looking waits for no answer.
    looks_are_taken_while_others_are_open(fixture, probe) {
        let mut open: BTreeSet<u64> = (1..=30).collect();
        for number in &open {
            probe.look(look(*number, event(fixture, "/in/*.csv"), fixture.server()));
        }
        while !open.is_empty() {
            let looked = probe.recv().await;
            assert!(open.remove(&looked.number), "{looked:?} was told twice");
        }
    }

    /// Clause 2: whatever comes of it.
    every_look_is_told_once_under_its_number(fixture, probe) {
        fixture.put("/in/a.csv", "1");
        let mut told: BTreeMap<u64, bool> = BTreeMap::new();
        for number in 1..=6 {
            let server = match number % 2 {
                0 => fixture.gone(),
                _ => fixture.server(),
            };
            probe.look(look(number, event(fixture, "/in/*.csv"), server));
        }
        for _ in 0..6 {
            let Looked { number, found, .. } = probe.recv().await;
            assert_eq!(told.insert(number, found.is_ok()), None);
        }
        let expected = (1..=6).map(|number| (number, number % 2 == 1));
        assert_eq!(told, expected.collect());
    }

    /// Clause 3: by its name and its folder; no folder, and no hidden file.
    files_that_fit_are_found_and_nothing_else(fixture, probe) {
        for path in [
            "/in/a.csv", "/in/b.csv", "/in/b.csv.tmp", "/in/.c.csv", "/in/deep/d.csv", "/in/folder.csv/e",
            "/in/单据.csv", "/other/f.csv", "/in/g 1.csv",
        ] {
            fixture.put(path, "1");
        }
        let files = found(fixture, probe, event(fixture, "/in/*.csv")).await;
        let expected = ["/in/a.csv", "/in/b.csv", "/in/g 1.csv", "/in/单据.csv"];
        assert_eq!(told(fixture, &files), expected.map(|path| (path.to_owned(), None)));
        let files = found(fixture, probe, event(fixture, "/*/?.csv")).await;
        let expected = ["/in/a.csv", "/in/b.csv", "/other/f.csv"];
        assert_eq!(told(fixture, &files), expected.map(|path| (path.to_owned(), None)));
        let files = found(fixture, probe, event(fixture, "/in/b.csv")).await;
        assert_eq!(told(fixture, &files), [("/in/b.csv".to_owned(), None)]);
    }

    /// Clause 3: size and time change with what is written.
    a_file_is_told_as_it_is(fixture, probe) {
        fixture.put("/in/a.csv", "12345");
        let first = found(fixture, probe, event(fixture, "/in/a.csv")).await;
        assert_eq!(first[0].size, 5);
        assert!(first[0].is_complete);
        // It was written in this century.
        assert!(first[0].modified > "2020-01-01T00:00:00Z".parse().expect("a time"));
        assert_eq!(found(fixture, probe, event(fixture, "/in/a.csv")).await, first);
        fixture.put("/in/a.csv", "123456");
        let second = found(fixture, probe, event(fixture, "/in/a.csv")).await;
        assert_eq!(second[0].size, 6);
    }

    /// Clause 3: each date is looked for, and told.
    dates_stand_in_paths_and_in_names(fixture, probe) {
        for path in ["/20261121/a.csv", "/20261120/a.csv", "/20261119/a.csv"] {
            fixture.put(path, "1");
        }
        let files = found(fixture, probe, event(fixture, "/${date:%Y%m%d}/*.csv")).await;
        let expected = [
            ("/20261120/a.csv".to_owned(), Some(date("2026-11-20"))),
            ("/20261121/a.csv".to_owned(), Some(date("2026-11-21"))),
        ];
        assert_eq!(told(fixture, &files), expected);
        fixture.put("/in/l-20251231.csv", "1");
        fixture.put("/in/l-none.csv", "1");
        let by_name = FileEvent {
            date_pattern: Some("%Y%m%d".to_owned()),
            ..event(fixture, "/in/l-*.csv")
        };
        let files = found(fixture, probe, by_name).await;
        let expected = [
            ("/in/l-20251231.csv".to_owned(), Some(date("2025-12-31"))),
            ("/in/l-none.csv".to_owned(), None),
        ];
        assert_eq!(told(fixture, &files), expected);
    }

    /// Clause 3: and is no file itself.
    a_marker_makes_a_file_complete(fixture, probe) {
        for path in ["/in/a.csv", "/in/a.csv.ok", "/in/b.csv"] {
            fixture.put(path, "1");
        }
        let marked = FileEvent {
            marker: Some("*.ok".to_owned()),
            ..event(fixture, "/in/*")
        };
        let files = found(fixture, probe, marked).await;
        let told: Vec<_> = files.iter().map(|file| file.is_complete).collect();
        assert_eq!(told, [true, false], "{files:?}");
        let one = FileEvent {
            marker: Some("a.csv.ok".to_owned()),
            ..event(fixture, "/in/*.csv")
        };
        let files = found(fixture, probe, one).await;
        assert!(files.iter().all(|file| file.is_complete), "{files:?}");
    }

    /// Clause 3: a folder may be made when the first file comes.
    a_place_that_is_not_there_holds_no_file(fixture, probe) {
        for path in ["/nowhere/*.csv", "/no*/a.csv", "/nowhere/deep/a.csv"] {
            assert_eq!(found(fixture, probe, event(fixture, path)).await, []);
        }
    }

    /// Clause 5: reasons are shown to many.
    a_server_out_of_reach_is_told_without_secrets(fixture, probe) {
        probe.look(look(1, event(fixture, "/in/*.csv"), fixture.gone()));
        let why = probe.recv().await.found.expect_err("nobody can look there");
        assert!(!why.is_empty() && !why.contains(&fixture.secret()), "{why}");
    }

    /// Cancel safety: the scheduler drops its wait whenever something else comes first.
    a_dropped_wait_loses_nothing(fixture, probe) {
        let mut told = BTreeSet::new();
        for number in 1..=20 {
            probe.look(look(number, event(fixture, "/in/*.csv"), fixture.server()));
            // Polled once.
            let early = probe.recv().now_or_never();
            told.extend(early.map(|looked| looked.number));
        }
        while told.len() < 20 {
            told.insert(probe.recv().await.number);
        }
    }
}

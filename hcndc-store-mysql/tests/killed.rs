//! A writer that is killed in the middle of whatever it does, again and again: what it said is stored, and nothing by halves.

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hcndc_core::port::Store as _;
use hcndc_store_mysql::SqlStore;
use support::{
    block_on, sqlite,
    versions::{version, versions},
};

/// Where the writer writes to; without it the writer's test does nothing.
const ADDRESS: &str = "HCNDC_TEST_WRITER";
const KILLS: u32 = 25;

/// Not a test of its own: the process that is killed.
#[test]
fn writer() {
    let Ok(address) = env::var(ADDRESS) else {
        return;
    };
    block_on(async {
        let store = SqlStore::connect(&address).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(900)).await;
        let stored = versions(&store.load().await.expect("load"));
        for number in stored.first().map_or(0, |last| last + 1).. {
            store.commit(fence, &version(number)).await.expect("commit");
            // Past the capture of what tests print.
            let line = format!("stored {number}\n");
            std::io::stdout()
                .write_all(line.as_bytes())
                .expect("a pipe");
        }
    });
}

#[test]
fn a_commit_that_the_end_of_its_process_meets_is_stored_wholly_or_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let address = sqlite::url(&directory);
    let (mut met, mut took) = (0, Duration::ZERO);
    for kill in 0..KILLS {
        let mut writer = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "writer", "--nocapture"])
            .env(ADDRESS, &address)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a writer");
        let lines = BufReader::new(writer.stdout.take().expect("a pipe")).lines();
        let lines = lines.map_while(Result::ok);
        let said = |line: String| line.strip_prefix("stored ")?.parse::<u32>().ok();
        let mut said = lines.filter_map(said);
        let first = said.next().expect("a commit");
        let then = Instant::now();
        assert_eq!(said.next(), Some(first + 1));
        // The next commit is cut somewhere between its start and its end.
        took = took.max(then.elapsed());
        thread::sleep(took * kill / KILLS);
        writer.kill().expect("it lives");
        writer.wait().expect("it ends");
        let last = said.last().unwrap_or(first + 1);

        let stored = block_on(async {
            let store = SqlStore::connect(&address).await.expect("connect");
            versions(&store.load().await.expect("load"))
        });
        let number = stored[0];
        assert!(stored.len() > 10, "{stored:?}");
        assert!(
            stored.iter().all(|it| *it == number),
            "by halves: {stored:?}"
        );
        assert!(
            number == last || number == last + 1,
            "{last} was said to be stored, {number} is"
        );
        met += u32::from(number == last);
    }
    assert!(met > 0, "no kill met a commit before its end");
}

use super::*;

struct Files;

impl hcndc_core::contract::log::LogFixture for Files {
    type Log = FileLog;
    type Guard = tempfile::TempDir;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(case)
    }

    async fn fresh(&self) -> (FileLog, tempfile::TempDir) {
        let guard = tempfile::tempdir().unwrap();
        (self.reopen(&guard).await, guard)
    }

    async fn reopen(&self, guard: &tempfile::TempDir) -> FileLog {
        FileLog::open(guard.path()).unwrap()
    }
}

hcndc_core::log_contract!(Files);

fn entry(bytes: &[u8]) -> LogEntry {
    LogEntry {
        at: Timestamp::from_micros(1),
        stream: Stream::Stdout,
        bytes: bytes.to_vec(),
    }
}

#[tokio::test]
async fn a_frame_that_a_crash_cut_off_is_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let attempt = AttemptId(5);
    let log = FileLog::open(directory.path()).unwrap();
    log.append(attempt, &[entry(b"whole"), entry(b"cut off")])
        .await
        .unwrap();
    let path = log.inner.path(attempt);
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length - 3)
        .unwrap();

    let log = FileLog::open(directory.path()).unwrap();
    log.append(attempt, &[entry(b"after")]).await.unwrap();
    let read = log.read(attempt, 0, 1000).await.unwrap();
    assert_eq!(read.entries, [entry(b"whole"), entry(b"after")]);
}

#[tokio::test]
async fn nothing_follows_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let log = FileLog::open(directory.path()).unwrap();
    log.finish(AttemptId(1)).await.unwrap();
    let error = log
        .append(AttemptId(1), &[entry(b"late")])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let long = entry(&vec![0; ENTRY_BYTES + 1]);
    let error = log.append(AttemptId(2), &[long]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn what_was_kept_before_starting_over_is_not_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = FileLog::open(directory.path().join("0")).unwrap();
    log.append(AttemptId(1), &[entry(b"old")]).await.unwrap();
    log.finish(AttemptId(1)).await.unwrap();
    log.finish(AttemptId(2)).await.unwrap();
    let other = FileLog::open(directory.path().join("1")).unwrap();
    other
        .append(AttemptId(1), &[entry(b"stale")])
        .await
        .unwrap();

    log.start_over(directory.path().join("1")).await.unwrap();
    for id in [1, 2] {
        let read = log.read(AttemptId(id), 0, 10).await.unwrap();
        assert!(read.entries.is_empty() && !read.complete);
        log.append(AttemptId(id), &[entry(b"new")]).await.unwrap();
        let read = log.read(AttemptId(id), 0, 10).await.unwrap();
        assert_eq!(read.entries, [entry(b"new")]);
    }
}

#[tokio::test]
async fn silent_logs_cost_one_file_for_a_whole_folder() {
    let directory = tempfile::tempdir().unwrap();
    let log = FileLog::open(directory.path()).unwrap();
    for id in [0, 7, 8, 1023] {
        log.finish(AttemptId(id)).await.unwrap();
    }
    let folder = log.inner.folder(AttemptId(0));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    for (id, complete) in [
        (0, true),
        (1, false),
        (7, true),
        (8, true),
        (1023, true),
        (1024, false),
    ] {
        let read = log.read(AttemptId(id), 0, 10).await.unwrap();
        assert_eq!(read.complete, complete, "attempt {id}");
    }
    for id in [0, 7, 8, 1023] {
        log.delete(AttemptId(id)).await.unwrap();
        assert!(!log.read(AttemptId(id), 0, 10).await.unwrap().complete);
    }
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_silent_log_is_kept_where_another_process_took_its_folder_away() {
    let directory = tempfile::tempdir().unwrap();
    let log = FileLog::open(directory.path()).unwrap().at_once();
    let other = FileLog::open(directory.path()).unwrap();
    for id in [1, 2] {
        log.finish(AttemptId(id)).await.unwrap();
        assert!(other.read(AttemptId(id), 0, 10).await.unwrap().complete);
        other.delete(AttemptId(id)).await.unwrap();
        assert!(!log.inner.folder(AttemptId(id)).exists());
    }
    log.append(AttemptId(3), &[entry(b"a")]).await.unwrap();
    log.finish(AttemptId(3)).await.unwrap();
    assert_eq!(
        other.read(AttemptId(3), 0, 10).await.unwrap().entries.len(),
        1
    );
}

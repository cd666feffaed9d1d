//! `--events`: one JSON object a line for every transition of a job run.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use hcndc_core::{engine::Change, time::Timestamp};
use serde::Serialize;

use super::board::Board;

/// The file that transitions go to.
#[derive(Debug)]
pub(super) struct EventFile {
    file: BufWriter<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    t: Timestamp,
    flow: &'a str,
    job: &'a str,
    attempt: u32,
    from: &'a str,
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
}

impl EventFile {
    /// Makes the file, or empties it.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(File::create(path)?),
        })
    }

    /// Writes the transitions among these changes, and makes sure that readers see them.
    pub(super) fn write(
        &mut self,
        at: Timestamp,
        changes: &[Change],
        board: &Board,
    ) -> io::Result<()> {
        for change in changes.iter().filter(|change| board.is_followed(change)) {
            // A job run that is new has not moved, and neither has one of which only the row changed.
            let Change::JobRun {
                from: Some(from),
                row,
            } = change
            else {
                continue;
            };
            if *from == row.state {
                continue;
            }
            let (flow, job) = board.names.job(row.job);
            let exit_code = row.exit_code.filter(|_| !row.state.is_live());
            let (from, to) = (from.as_str(), row.state.as_str());
            let line = Line {
                t: at,
                flow,
                job,
                attempt: row.attempt,
                from,
                to,
                exit_code,
            };
            serde_json::to_writer(&mut self.file, &line)?;
            self.file.write_all(b"\n")?;
        }
        self.file.flush()
    }
}

//! Progress while a mesh runs: a bar in a terminal, plain lines elsewhere.

use std::time::Duration;

use hcndc_core::engine::JobRunState;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::{Board, Settled, state_name};
use crate::{
    cli::{pick, say},
    interchange::Lang,
};

/// Shows how far a run is.
#[derive(Debug)]
pub(super) struct Progress {
    lang: Lang,
    /// `None` outside of a terminal.
    bar: Option<ProgressBar>,
}

/// A bar for so many jobs, with a line of text below it.
pub(in crate::cli) fn progress_bar(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(
        "{spinner} {wide_bar:.cyan/blue} {pos}/{len} {elapsed}\n{msg}",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Names of running jobs that fit beside the bar.
const NAMES: usize = 4;

impl Progress {
    pub(super) fn new(lang: Lang, terminal: bool, jobs: usize) -> Self {
        let bar = terminal.then(|| progress_bar(jobs));
        Self { lang, bar }
    }

    /// Tells of what just ended, and how far everything is.
    pub(super) fn show(&self, board: &Board, settled: &[Settled]) {
        let lang = self.lang;
        for Settled { row, done } in settled {
            let label = board.label(row);
            let state = state_name(row.state, lang);
            let took = match (row.started_at, row.ended_at) {
                (Some(start), Some(end)) => format!(" ({})", seconds(end.since(start))),
                _ => String::new(),
            };
            let reason = match row.state {
                JobRunState::Failed | JobRunState::RetryWait => board.reason(row, lang),
                JobRunState::Blocked
                | JobRunState::Queued
                | JobRunState::Dispatched
                | JobRunState::Running
                | JobRunState::Succeeded
                | JobRunState::Killed
                | JobRunState::UpstreamFailed
                | JobRunState::Skipped => String::new(),
            };
            let reason = if reason.is_empty() {
                reason
            } else {
                format!(": {reason}")
            };
            match &self.bar {
                Some(bar) => {
                    let good = matches!(row.state, JobRunState::Succeeded | JobRunState::Skipped);
                    if !good {
                        bar.println(format!("{label} {state}{reason}"));
                    }
                }
                None => {
                    let all = board.job_runs.len();
                    say(format_args!("[{done}/{all}] {label} {state}{reason}{took}"));
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(board.settled() as u64);
            bar.set_message(self.line(board));
        }
    }

    /// Says something besides the progress.
    pub(super) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => say(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, board: &Board) -> String {
        let lang = self.lang;
        let failed = board.count(JobRunState::Failed) + board.count(JobRunState::UpstreamFailed);
        let names: Vec<String> = board
            .running
            .keys()
            .filter_map(|id| board.job_runs.get(id))
            .take(NAMES)
            .map(|row| board.label(row))
            .collect();
        let more = board.running.len().saturating_sub(names.len());
        let mut line = format!(
            "{} {} · {} {} · {} {}",
            pick(lang, "running", "运行中"),
            board.running.len(),
            pick(lang, "done", "完成"),
            board.count(JobRunState::Succeeded) + board.count(JobRunState::Skipped),
            pick(lang, "failed", "失败"),
            failed,
        );
        if !names.is_empty() {
            line.push_str(" · ");
            line.push_str(&names.join(", "));
        }
        if more > 0 {
            line.push_str(&format!(" +{more}"));
        }
        line
    }
}

/// A duration for people: seconds with one decimal, minutes and hours beyond.
pub(in crate::cli) fn seconds(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
    }
}

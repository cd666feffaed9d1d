//! What a run came to: output of failed jobs, and a table by flow.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    time::Duration,
};

use comfy_table::{CellAlignment, Table, presets};
use hcndc_core::{
    engine::{FlowRunState, JobRunRow, JobRunState},
    id::{AttemptId, ExecutorId, FlowRunId},
    port::Transport,
};

use super::{
    board::{Board, state_name},
    progress::seconds,
};
use crate::{
    cli::{pick, say},
    interchange::Lang,
};

/// Lines of output shown for a failed job.
const TAIL_LINES: usize = 20;
/// Output that is looked at for them, from its end.
const TAIL_BYTES: usize = 64 * 1024;
/// Failed jobs whose output is shown.
const SHOWN: usize = 10;

/// Prints why jobs failed, with the end of their output.
pub(super) async fn print_failures<T: Transport>(board: &Board, transport: &T, lang: Lang) {
    let failed: Vec<&JobRunRow> = board
        .job_runs
        .values()
        .filter(|row| row.state == JobRunState::Failed)
        .collect();
    for row in failed.iter().take(SHOWN) {
        say("");
        let (label, reason) = (board.label(row), board.reason(row, lang));
        match lang {
            Lang::En => say(format_args!(
                "── {label}, attempt {}: {reason}",
                row.attempt
            )),
            Lang::Zh => say(format_args!(
                "── {label}，第 {} 次尝试：{reason}",
                row.attempt
            )),
        }
        let tail = match board.attempts.get(&row.id) {
            Some(attempt) => read_tail(transport, attempt.executor, attempt.id).await,
            None => Vec::new(),
        };
        if tail.is_empty() {
            say(pick(lang, "(no output)", "（没有输出）"));
        } else {
            let mut out = io::stdout().lock();
            let _ = out.write_all(&tail);
            if !tail.ends_with(b"\n") {
                let _ = out.write_all(b"\n");
            }
        }
    }
    let more = failed.len().saturating_sub(SHOWN);
    if more > 0 {
        match lang {
            Lang::En => say(format_args!("… and {more} more failed jobs")),
            Lang::Zh => say(format_args!("……另有 {more} 个失败的任务")),
        }
    }
}

async fn read_tail<T: Transport>(
    transport: &T,
    executor: ExecutorId,
    attempt: AttemptId,
) -> Vec<u8> {
    let mut tail = Vec::new();
    let mut from = 0;
    // Output that cannot be read takes nothing away from the summary.
    while let Ok(read) = transport
        .read_log(executor, attempt, from, TAIL_BYTES, Duration::ZERO)
        .await
    {
        if read.entries.is_empty() {
            break;
        }
        for entry in read.entries {
            tail.extend_from_slice(&entry.bytes);
        }
        if tail.len() > 2 * TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
        from = read.next;
    }
    let end = tail.len() - usize::from(tail.ends_with(b"\n"));
    let starts = tail[..end]
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    let start = starts
        .map(|(at, _)| at + 1)
        .nth(TAIL_LINES - 1)
        .unwrap_or(0);
    tail.split_off(start)
}

/// Prints a line for each flow and one for all.
pub(super) fn print_table(board: &Board, lang: Lang) {
    let shown = [
        JobRunState::Succeeded,
        JobRunState::Skipped,
        JobRunState::Failed,
        JobRunState::Killed,
        JobRunState::UpstreamFailed,
        JobRunState::Blocked,
    ];
    let used: Vec<JobRunState> = shown
        .into_iter()
        .filter(|&state| state == JobRunState::Succeeded || board.count(state) > 0)
        .collect();
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    let mut header = vec![
        pick(lang, "flow", "任务流"),
        pick(lang, "state", "状态"),
        pick(lang, "jobs", "任务"),
    ];
    header.extend(used.iter().map(|&state| state_name(state, lang)));
    header.push(pick(lang, "time", "用时"));
    let columns = header.len();
    table.set_header(header);
    let mut counts: BTreeMap<FlowRunId, BTreeMap<JobRunState, usize>> = BTreeMap::new();
    for row in board.job_runs.values() {
        *counts
            .entry(row.flow_run)
            .or_default()
            .entry(row.state)
            .or_default() += 1;
    }
    for run in board.flow_runs.values() {
        let counts = counts.remove(&run.id).unwrap_or_default();
        let mut cells = vec![
            board.names.flow(run.flow).to_owned(),
            flow_state(run.state, lang).to_owned(),
            counts.values().sum::<usize>().to_string(),
        ];
        cells.extend(
            used.iter()
                .map(|state| counts.get(state).copied().unwrap_or(0).to_string()),
        );
        cells.push(match (run.started_at, run.ended_at) {
            (Some(start), Some(end)) => seconds(end.since(start)),
            _ => String::new(),
        });
        table.add_row(cells);
    }
    for column in 2..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say("");
    say(table);
}

pub(in crate::cli) const fn flow_state(state: FlowRunState, lang: Lang) -> &'static str {
    match lang {
        Lang::En => state.as_str(),
        Lang::Zh => match state {
            FlowRunState::Waiting => "等待",
            FlowRunState::Joined => "并入",
            FlowRunState::Running => "运行中",
            FlowRunState::Succeeded => "成功",
            FlowRunState::Failed => "失败",
            FlowRunState::Stopped => "已停止",
        },
    }
}

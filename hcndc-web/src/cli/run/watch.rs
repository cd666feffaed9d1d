//! Following a run to its end.

use std::{io, time::Duration};

use hcndc_core::{
    engine::{Change, ExecutionState, Input, JobRunState},
    id::ExecutionId,
    port::Observer,
    time::Timestamp,
};
use tokio::sync::mpsc;

use super::{
    super::{Exit, Signals, pick},
    board::Board,
    events::EventFile,
    holds::holds,
    progress::Progress,
};
use crate::{causes::with_causes, handle::SchedulerHandle, interchange::Lang};

/// What the scheduler tells.
pub(super) enum Told {
    Committed(Timestamp, Vec<Change>),
    StoreTrouble(Option<String>),
}

pub(super) struct Teller(pub(super) mpsc::UnboundedSender<Told>);

impl Observer for Teller {
    fn committed(&self, now: Timestamp, changes: &[Change]) {
        // Nobody listens any more once the run has ended.
        let _ = self.0.send(Told::Committed(now, changes.to_vec()));
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        let _ = self.0.send(Told::StoreTrouble(error.map(with_causes)));
    }
}

/// Follows a run, and what the person before the terminal does.
pub(super) struct Watch {
    pub(super) lang: Lang,
    pub(super) board: Board,
    pub(super) progress: Progress,
    pub(super) events: Option<EventFile>,
    pub(super) handle: SchedulerHandle,
    pub(super) patience: Duration,
    pub(super) interrupted: bool,
    /// Interrupted twice: nothing is waited for any more.
    pub(super) abandoned: bool,
    pub(super) gave_up: bool,
    pub(super) event_error: Option<io::Error>,
}

/// How often a run that does not move is looked at.
const LOOK: Duration = Duration::from_secs(1);

impl Watch {
    pub(super) async fn until_end(
        &mut self,
        execution: ExecutionId,
        tells: &mut mpsc::UnboundedReceiver<Told>,
        signals: &mut Signals,
    ) {
        self.board.followed = Some(execution);
        let mut idle = Duration::ZERO;
        let mut explained = false;
        loop {
            tokio::select! {
                told = tells.recv() => match told {
                    Some(told) => {
                        idle = Duration::ZERO;
                        self.note(told);
                    }
                    // The scheduler is gone; it says why itself.
                    None => return,
                },
                () = signals.next() => {
                    if self.interrupted {
                        // Whatever keeps it from ending, the person wants out.
                        self.abandoned = true;
                        return;
                    }
                    self.stop(execution, true);
                }
                () = tokio::time::sleep(LOOK) => {
                    let stuck = self.board.running.is_empty()
                        && self.board.count(JobRunState::Dispatched) == 0
                        && (self.board.count(JobRunState::Queued) > 0 || self.waits_outside());
                    idle = if stuck { idle + LOOK } else { Duration::ZERO };
                    if idle >= 3 * LOOK && !explained {
                        explained = true;
                        self.tell_why().await;
                    }
                    if idle >= self.patience && !self.gave_up && !self.interrupted {
                        self.gave_up = true;
                        self.progress.note(if self.waits_outside() {
                            pick(
                                self.lang,
                                "giving up: jobs wait for runs that are no part of this one",
                                "放弃：任务等待的执行不在本次运行之中",
                            )
                        } else {
                            pick(
                                self.lang,
                                "giving up: jobs can run nowhere (--executor-wait)",
                                "放弃：没有可用的执行服务器（--executor-wait）",
                            )
                        });
                        self.stop(execution, false);
                    }
                }
            }
            if self.board.execution.is_some_and(ExecutionState::is_ended) {
                return;
            }
        }
    }

    fn note(&mut self, told: Told) {
        match told {
            Told::Committed(at, changes) => {
                let settled = self.board.note(&changes);
                if let Some(events) = &mut self.events
                    && let Err(error) = events.write(at, &changes, &self.board)
                {
                    let doing = pick(self.lang, "cannot write --events", "无法写入 --events 文件");
                    self.progress.note(&format!("{doing}: {error}"));
                    self.events = None;
                    self.event_error = Some(error);
                }
                self.progress.show(&self.board, &settled);
            }
            Told::StoreTrouble(Some(error)) => {
                let doing = pick(
                    self.lang,
                    "the database does not answer, trying again",
                    "数据库无响应，正在重试",
                );
                self.progress.note(&format!("{doing}: {error}"));
            }
            Told::StoreTrouble(None) => {}
        }
    }

    /// Has the execution stopped; does not wait for it, for the store may not answer.
    fn stop(&mut self, execution: ExecutionId, by_person: bool) {
        if by_person {
            self.interrupted = true;
            self.progress.note(pick(
                self.lang,
                "interrupted: stopping all jobs (once more to kill them at once)",
                "已中断：正在停止所有任务（再按一次立即终止）",
            ));
        }
        let by = if by_person {
            "Ctrl-C"
        } else {
            "--executor-wait"
        };
        let input = Input::Stop {
            execution,
            by: by.to_owned(),
        };
        let handle = self.handle.clone();
        // It may have ended in this moment; then there is nothing to stop.
        tokio::spawn(async move { handle.command(input).await });
    }

    /// Whether nothing is left that moves by itself: what is blocked waits for flows that take no part, or for other dates.
    fn waits_outside(&self) -> bool {
        self.board.count(JobRunState::Blocked) > 0
            && self.board.count(JobRunState::Queued) == 0
            && self.board.count(JobRunState::RetryWait) == 0
    }

    /// Says why nothing runs.
    async fn tell_why(&self) {
        let waits = if self.waits_outside() {
            JobRunState::Blocked
        } else {
            JobRunState::Queued
        };
        let mut rows = self.board.job_runs.values();
        let Some(row) = rows.find(|row| row.state == waits) else {
            return;
        };
        let id = row.id;
        let look = self.handle.look(move |engine| engine.explain(id));
        let Ok(Ok(Some(explanation))) = tokio::time::timeout(LOOK, look).await else {
            return;
        };
        let label = self.board.label(row);
        let doing = match self.lang {
            Lang::En => format!("nothing can run: {label} waits"),
            Lang::Zh => format!("没有任务可以运行：{label} 在等待"),
        };
        self.progress.note(&doing);
        for line in holds(&explanation, self.lang) {
            self.progress.note(&format!("  {line}"));
        }
    }

    pub(super) fn verdict(&self) -> Exit {
        if self.interrupted {
            Exit::Interrupted
        } else if self.board.execution == Some(ExecutionState::Succeeded)
            && self.event_error.is_none()
        {
            Exit::Success
        } else {
            Exit::Failed
        }
    }
}

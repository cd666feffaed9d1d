//! Why a job run that has settled came to its end, when no attempt of it tells that: found in what is stored.

use hcndc_core::{
    engine::{ActionKind, FlowRunState, JobRunState},
    id::{ExecutionId, FlowRunId},
    port::{ActionQuery, Direction, History, JobRunView, PageRequest, Transport},
};

use super::{ports::read, problem::Problem, text::either};
use crate::{app::App, interchange::Lang};

/// What settled a job run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A person did.
    Person { kind: ActionKind, by: String },
    /// A person stopped its execution.
    Stopped { by: String },
    /// The start left it out.
    LeftOut,
    /// Its flow run shares the end of this one.
    Joined { flow_run: FlowRunId },
    /// Its flow had succeeded for its date before.
    DoneBefore,
    /// Its flow run took longer than it may.
    TimedOut,
}

impl Why {
    /// What settled a job run; `None` if it has not settled, or if its state says all.
    pub(super) async fn find<H: History, T: Transport>(
        app: &App<H, T>,
        view: &JobRunView,
    ) -> Result<Option<Self>, Problem> {
        let row = &view.row;
        if !row.state.is_settled() || row.state == JobRunState::Failed {
            return Ok(None);
        }
        if let Some(by_hand) = by_hand(app, view).await? {
            return Ok(Some(by_hand));
        }
        if row.state == JobRunState::Succeeded {
            return Ok(None);
        }
        if row.left_out {
            return Ok(Some(Self::LeftOut));
        }
        if row.state == JobRunState::Killed
            && let Some(by) = stopped_by(app, row.execution).await?
        {
            return Ok(Some(Self::Stopped { by }));
        }
        let runs = read(app.history.flow_runs(row.execution)).await?;
        let run = runs.iter().find(|it| it.row.id == row.flow_run);
        Ok(run.and_then(|run| match run.row.joined_to {
            Some(flow_run) => Some(Self::Joined { flow_run }),
            None if run.row.timed_out => Some(Self::TimedOut),
            None if run.row.state == FlowRunState::Succeeded && run.row.started_at.is_none() => {
                Some(Self::DoneBefore)
            }
            None => None,
        }))
    }

    /// In one sentence.
    pub(super) fn tell(&self, lang: Lang) -> String {
        match self {
            Self::Person { kind, by } => {
                let (en, zh) = match kind {
                    ActionKind::Skip => ("skipped it", "跳过"),
                    ActionKind::MarkSucceeded => ("marked it as succeeded", "标记为成功"),
                    _ => ("killed it", "终止"),
                };
                either(lang, format!("{by} {en}"), format!("已被 {by} {zh}"))
            }
            Self::Stopped { by } => either(
                lang,
                format!("{by} stopped its execution"),
                format!("{by} 停止了所属执行"),
            ),
            Self::LeftOut => either(
                lang,
                "it was not run: the start named other jobs only",
                "未运行：启动时只指定了其他任务",
            ),
            Self::Joined { flow_run } => either(
                lang,
                format!("its flow run shares the end of flow run {flow_run}, which ran it"),
                format!("所属任务流执行与任务流执行 {flow_run} 共享结果，任务在那里运行"),
            ),
            Self::DoneBefore => either(
                lang,
                "it was not run: its flow had succeeded for this date before",
                "未运行：所属任务流此前已在该日期成功",
            ),
            Self::TimedOut => either(
                lang,
                "its flow run took longer than its timeout",
                "所属任务流执行超过了时限",
            ),
        }
    }
}

/// The last person who settled or killed it.
async fn by_hand<H: History, T: Transport>(
    app: &App<H, T>,
    view: &JobRunView,
) -> Result<Option<Why>, Problem> {
    let query = ActionQuery {
        execution: Some(view.row.execution),
        job_run: Some(view.row.id),
        page: PageRequest {
            limit: 10,
            direction: Direction::Descending,
            ..PageRequest::default()
        },
    };
    let actions = read(app.history.actions(&query)).await?;
    let fits = |kind: ActionKind| match kind {
        ActionKind::Skip => view.row.state == JobRunState::Skipped,
        ActionKind::MarkSucceeded => view.row.state == JobRunState::Succeeded,
        ActionKind::Kill => view.row.state == JobRunState::Killed,
        ActionKind::Stop
        | ActionKind::Pause
        | ActionKind::Unpause
        | ActionKind::Resume
        | ActionKind::Rerun
        | ActionKind::Reset => false,
    };
    // What it did after that has an end of its own.
    let last = actions
        .items
        .into_iter()
        .find(|it| view.row.ended_at == Some(it.at) || it.kind == ActionKind::Kill);
    Ok(last.filter(|it| fits(it.kind)).map(|it| Why::Person {
        kind: it.kind,
        by: it.by,
    }))
}

async fn stopped_by<H: History, T: Transport>(
    app: &App<H, T>,
    execution: ExecutionId,
) -> Result<Option<String>, Problem> {
    let view = read(app.history.execution(execution)).await?;
    Ok(view.and_then(|view| view.row.stopped_by))
}

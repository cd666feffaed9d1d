//! Why a command that talks to a server was not done.

use super::nouns::Noun;
use crate::{
    causes::with_causes,
    cli::{Exit, account::AccountError, client::ClientError},
    interchange::Lang,
};

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RemoteError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("there is no {} {name:?}", noun.en)]
    UnknownName {
        noun: &'static Noun,
        name: String,
        near: Option<String>,
    },
    #[error("{name:?}: a job is named as flow/job, or by its id")]
    JobName { name: String },
    #[error("execution {execution} has no job {name:?}")]
    UnknownJobRun {
        execution: u64,
        name: String,
        near: Option<String>,
    },
    #[error("execution {execution} has several jobs {name:?}: {}", found.join(", "))]
    SeveralJobRuns {
        execution: u64,
        name: String,
        found: Vec<String>,
    },
    #[error("{what}: confirm it with --yes, for nobody can be asked here")]
    Unconfirmed { what: String },
    #[error("nothing was changed")]
    Declined,
    #[error("there is nothing about a {} that could be tried out", noun.en)]
    NoTest { noun: &'static Noun },
    #[error(transparent)]
    Account(Box<AccountError>),
    #[error("the answer lacks {field}")]
    Lacks { field: &'static str },
    #[error("cannot use the terminal")]
    Terminal(#[from] std::io::Error),
}

impl RemoteError {
    /// How the command ends.
    pub(in crate::cli) const fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => error.exit(),
            Self::UnknownName { .. }
            | Self::JobName { .. }
            | Self::UnknownJobRun { .. }
            | Self::SeveralJobRuns { .. }
            | Self::NoTest { .. }
            | Self::Account(_)
            | Self::Unconfirmed { .. } => Exit::Wrong,
            Self::Declined | Self::Lacks { .. } | Self::Terminal(_) => Exit::Failed,
        }
    }

    /// It in a sentence, with what to do about it.
    pub(in crate::cli) fn message(&self, lang: Lang) -> String {
        let near = |near: &Option<String>| match (near, lang) {
            (None, _) => String::new(),
            (Some(near), Lang::En) => format!("; did you mean {near:?}?"),
            (Some(near), Lang::Zh) => format!("；是否指 {near:?}？"),
        };
        match (self, lang) {
            (Self::Client(error), _) => error.message(lang),
            (Self::Account(error), _) => error.message(lang),
            (Self::UnknownName { noun, near: it, .. }, Lang::En) => format!(
                "{self}{}\n  → `hcndc {} list` tells them all",
                near(it),
                noun.word
            ),
            (
                Self::UnknownName {
                    noun,
                    name,
                    near: it,
                },
                Lang::Zh,
            ) => format!(
                "没有名为 {name:?} 的{}{}\n  → 用 `hcndc {} list` 查看全部",
                noun.zh,
                near(it),
                noun.word
            ),
            (Self::JobName { name }, Lang::Zh) => {
                format!("{name:?}：任务写作 任务流/任务，或用编号")
            }
            (
                Self::UnknownJobRun {
                    execution,
                    near: it,
                    ..
                },
                Lang::En,
            ) => format!(
                "{self}{}\n  → `hcndc execution jobs {execution}` tells them all",
                near(it)
            ),
            (
                Self::UnknownJobRun {
                    execution,
                    name,
                    near: it,
                },
                Lang::Zh,
            ) => format!(
                "执行 {execution} 中没有任务 {name:?}{}\n  → 用 `hcndc execution jobs {execution}` 查看全部",
                near(it)
            ),
            (
                Self::SeveralJobRuns {
                    execution,
                    name,
                    found,
                },
                Lang::Zh,
            ) => format!(
                "执行 {execution} 中有多个任务 {name:?}：{}",
                found.join("、")
            ),
            (Self::Unconfirmed { what }, Lang::Zh) => {
                format!("{what}：这里无法询问，请用 --yes 确认")
            }
            (Self::NoTest { noun }, Lang::Zh) => format!("{}没有可测试的内容", noun.zh),
            (Self::Declined, Lang::Zh) => "没有任何改动".to_owned(),
            (Self::Lacks { field }, Lang::Zh) => format!("应答中缺少 {field}"),
            (Self::Terminal(error), Lang::Zh) => format!("无法使用终端：{error}"),
            (
                Self::JobName { .. }
                | Self::SeveralJobRuns { .. }
                | Self::Unconfirmed { .. }
                | Self::NoTest { .. }
                | Self::Declined
                | Self::Lacks { .. }
                | Self::Terminal(_),
                Lang::En,
            ) => with_causes(self),
        }
    }
}

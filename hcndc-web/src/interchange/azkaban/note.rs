//! What of a project could not be carried over.

use super::super::fault::Lang;

/// Something that Azkaban would have done and the mesh does not, or does otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzkabanNote {
    /// Jobs of this type run inside of Azkaban's own plugins: the job fails, and says so, until its command is written.
    JobType {
        /// Its flow.
        flow: String,
        /// The job.
        job: String,
        /// The type.
        kind: String,
    },
    /// A condition that dependencies cannot say: the job is not enabled.
    Condition {
        /// Its flow.
        flow: String,
        /// The job.
        job: String,
        /// The condition.
        condition: String,
    },
    /// A property that nothing in the project sets: it became a param, to be given when the flow is started, or by its
    /// schedule.
    UnknownProperty {
        /// Its flow.
        flow: String,
        /// The job whose command names it.
        job: String,
        /// The property.
        property: String,
    },
    /// An expression that Azkaban would have computed: it stands there as it was.
    Expression {
        /// Its flow.
        flow: String,
        /// The job.
        job: String,
        /// The expression.
        expression: String,
    },
    /// Outside events that a flow waited for: its schedule is paused.
    Events {
        /// The flow.
        flow: String,
        /// Names of the events.
        events: Vec<String>,
    },
    /// A setting that means something to Azkaban only.
    Setting {
        /// Its name.
        setting: String,
        /// Jobs for which it holds.
        jobs: usize,
    },
}

impl AzkabanNote {
    /// The param that somebody has to give.
    pub(super) fn unknown_param(&self) -> Option<&str> {
        match self {
            Self::UnknownProperty { property, .. } => Some(property),
            _ => None,
        }
    }

    /// What it means, and what to do, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::JobType { flow, job, kind }, Lang::En) => format!(
                "{flow}/{job}: jobs of type `{kind}` are run by Azkaban itself; it fails until you write its command"
            ),
            (Self::JobType { flow, job, kind }, Lang::Zh) => format!(
                "{flow}/{job}：`{kind}` 类型的任务由 Azkaban 自身执行；在写好命令之前，该任务会失败"
            ),
            (
                Self::Condition {
                    flow,
                    job,
                    condition,
                },
                Lang::En,
            ) => format!(
                "{flow}/{job}: the condition `{condition}` has no counterpart; the job is not enabled"
            ),
            (
                Self::Condition {
                    flow,
                    job,
                    condition,
                },
                Lang::Zh,
            ) => {
                format!("{flow}/{job}：条件 `{condition}` 没有对应的写法；该任务未启用")
            }
            (
                Self::UnknownProperty {
                    flow,
                    job,
                    property,
                },
                Lang::En,
            ) => format!(
                "{flow}/{job}: nothing sets the property `{property}`; give it as a param of the flow, its schedule or its start"
            ),
            (
                Self::UnknownProperty {
                    flow,
                    job,
                    property,
                },
                Lang::Zh,
            ) => format!(
                "{flow}/{job}：没有任何地方设置属性 `{property}`；请在任务流、调度或启动时作为参数给出"
            ),
            (
                Self::Expression {
                    flow,
                    job,
                    expression,
                },
                Lang::En,
            ) => {
                format!(
                    "{flow}/{job}: Azkaban would have computed `{expression}`; it is kept as it is"
                )
            }
            (
                Self::Expression {
                    flow,
                    job,
                    expression,
                },
                Lang::Zh,
            ) => {
                format!("{flow}/{job}：Azkaban 会计算 `{expression}`；此处原样保留")
            }
            (Self::Events { flow, events }, Lang::En) => format!(
                "{flow}: it waited for {}; its schedule is paused until you say what it waits for instead",
                events.join(", ")
            ),
            (Self::Events { flow, events }, Lang::Zh) => format!(
                "{flow}：它等待 {}；在您改写等待条件之前，其调度为暂停状态",
                events.join("、")
            ),
            (Self::Setting { setting, jobs }, Lang::En) => {
                format!("`{setting}` (jobs: {jobs}) has no counterpart and was left out")
            }
            (Self::Setting { setting, jobs }, Lang::Zh) => {
                format!("`{setting}`（{jobs} 个任务）没有对应的设置，已略去")
            }
        }
    }
}

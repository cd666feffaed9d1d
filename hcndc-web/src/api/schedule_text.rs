//! What keeps a schedule from starting an execution, in a sentence of either language.

use chrono_tz::Tz;
use hcndc_core::{
    engine::ScheduleHold,
    id::{FileEventId, FlowId},
    time::Timestamp,
};

use super::text::{either, moment};
use crate::interchange::Lang;

/// Where a schedule stands: what holds it, or else when it fires next.
pub(super) fn standing(
    next: Option<Timestamp>,
    holds: &[&str],
    zone: Option<Tz>,
    lang: Lang,
) -> String {
    if !holds.is_empty() {
        return holds.join(either(lang, "; ", "；").as_str());
    }
    match next {
        Some(next) => {
            let next = moment(next, zone);
            either(
                lang,
                format!("it fires next at {next}"),
                format!("将于 {next} 触发"),
            )
        }
        None => either(lang, "nothing holds it", "没有阻碍"),
    }
}

/// The stable name of a hold, and what it is.
pub(super) fn hold(
    hold: &ScheduleHold,
    flow_name: &dyn Fn(FlowId) -> String,
    event_name: &dyn Fn(FileEventId) -> String,
    zone: Option<Tz>,
    lang: Lang,
) -> (&'static str, String) {
    let said = |en: String, zh: String| either(lang, en, zh);
    match hold {
        ScheduleHold::Paused { by, since } => {
            let since = moment(*since, zone);
            (
                "paused",
                said(
                    format!("it is paused; {by} edited it last, at {since}"),
                    format!("已暂停；{by} 于 {since} 最后修改"),
                ),
            )
        }
        ScheduleHold::FlowDisabled { flow } => {
            let name = flow_name(*flow);
            (
                "flow_disabled",
                said(
                    format!("flow {name} is not enabled"),
                    format!("任务流 {name} 未启用"),
                ),
            )
        }
        ScheduleHold::NotBefore { at } => {
            let at = moment(*at, zone);
            (
                "not_before",
                said(
                    format!("it fires for no time before {at}"),
                    format!("{at} 之前不触发"),
                ),
            )
        }
        ScheduleHold::NotAfter { at } => {
            let at = moment(*at, zone);
            (
                "not_after",
                said(
                    format!("it fires for no time after {at}"),
                    format!("{at} 之后不再触发"),
                ),
            )
        }
        ScheduleHold::NoTimes => (
            "no_times",
            said(
                "no time is left at which it fires".into(),
                "没有可触发的时间".into(),
            ),
        ),
        ScheduleHold::MaxInstances { most } => (
            "max_instances",
            said(
                format!("{most} executions of it are live, as many as may be"),
                format!("已有 {most} 个执行在进行，达到上限"),
            ),
        ),
        ScheduleHold::File { event } => {
            let name = event_name(*event);
            (
                "file",
                said(
                    format!("it waits for a file of file event {name}"),
                    format!("等待文件事件 {name} 的文件"),
                ),
            )
        }
        ScheduleHold::Dates { after, flows } => {
            let flows: Vec<String> = flows
                .iter()
                .map(|(flow, date)| {
                    let name = flow_name(*flow);
                    date.map_or(name.clone(), |date| format!("{name} ({date})"))
                })
                .collect();
            let (en, zh) = match after {
                Some(after) => (
                    format!("a date later than {after}"),
                    format!("晚于 {after} 的数据日期"),
                ),
                None => ("a date".to_owned(), "数据日期".to_owned()),
            };
            (
                "dates",
                said(
                    format!(
                        "it waits until these flows reach {en}: {}",
                        flows.join(", ")
                    ),
                    format!("等待以下任务流到达{zh}：{}", flows.join("、")),
                ),
            )
        }
        other => ("other", format!("{other:?}")),
    }
}

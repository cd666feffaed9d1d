//! Why nothing runs, for people.

use hcndc_core::engine::{Explanation, Hold, HostTrouble, SlotTrouble};

use crate::interchange::Lang;

/// What holds a job run, for people, as far as a run of one mesh file can tell.
pub(super) fn holds(explanation: &Explanation, lang: Lang) -> Vec<String> {
    let lines = explanation.holds.iter().map(|hold| match (hold, lang) {
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Offline { reason },
                ..
            },
            Lang::En,
        ) => {
            let reason = reason.as_deref().unwrap_or("not connected yet");
            format!("executor {name} is out of reach: {reason}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Offline { reason },
                ..
            },
            Lang::Zh,
        ) => {
            let reason = reason.as_deref().unwrap_or("尚未连接");
            format!("执行服务器 {name} 无法连接：{reason}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Slots(SlotTrouble::TooSmall { slots, needs }),
                ..
            },
            Lang::En,
        ) => {
            format!("executor {name} has {slots} slots, the job takes {needs}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Slots(SlotTrouble::TooSmall { slots, needs }),
                ..
            },
            Lang::Zh,
        ) => {
            format!("执行服务器 {name} 有 {slots} 个槽位，任务需要 {needs} 个")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Disabled,
                ..
            },
            Lang::En,
        ) => {
            format!("executor {name} is not enabled")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Disabled,
                ..
            },
            Lang::Zh,
        ) => {
            format!("执行服务器 {name} 未启用")
        }
        (
            Hold::OutsideDependency {
                name, data_date, ..
            },
            Lang::En,
        ) => format!("job {name} must run for {data_date} first, and does not take part"),
        (
            Hold::OutsideDependency {
                name, data_date, ..
            },
            Lang::Zh,
        ) => format!("任务 {name} 须先为 {data_date} 运行，而它没有参与"),
        (Hold::NoExecutor { .. }, Lang::En) => "no executor has what it asks for".to_owned(),
        (Hold::NoExecutor { .. }, Lang::Zh) => "没有执行服务器符合要求".to_owned(),
        (other, _) => format!("{other:?}"),
    });
    lines.collect()
}

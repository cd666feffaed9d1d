//! The kinds of things that commands name: where the API has them, and what a list shows.

use serde_json::Value;

use super::{
    table::{Column, How},
    words,
};
use crate::interchange::Lang;

/// A kind of thing.
#[derive(Debug)]
pub(in crate::cli) struct Noun {
    /// Its command.
    pub(super) word: &'static str,
    /// Its list in the API.
    pub(super) path: &'static str,
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
    pub(super) columns: &'static [Column],
}

impl Noun {
    /// Its name for people.
    pub(super) const fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

const ID: Column = Column::new("id", "编号", "/id", How::Number);
const NAME: Column = Column::text("name", "名称", "/name");
const DIRECTORY: Column = Column::text("directory", "目录", "/directory");
const ENABLED: Column = Column::new("enabled", "启用", "/enabled", How::Flag);
const DESCRIPTION: Column = Column::text("description", "说明", "/description");
const KIND: Column = Column::text("kind", "类型", "/kind");
const HOST: Column = Column::text("host", "主机", "/host");

pub(super) static FLOW: Noun = Noun {
    word: "flow",
    path: "flows",
    en: "flow",
    zh: "任务流",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        ENABLED,
        Column::text("data date", "数据日期", "/data_date"),
        Column::text("parents", "上游", "/parents"),
        Column::text("owner", "负责人", "/owner"),
    ],
};

pub(super) static JOB: Noun = Noun {
    word: "job",
    path: "jobs",
    en: "job",
    zh: "任务",
    columns: &[
        ID,
        Column::new("job", "任务", "", How::Made(job_name)),
        ENABLED,
        Column::new("runs on", "执行位置", "", How::Made(placement)),
        Column::text("depends on", "依赖", "/depends_on"),
        Column::new("command", "命令", "", How::Made(command)),
    ],
};

pub(super) static SCHEDULE: Noun = Noun {
    word: "schedule",
    path: "schedules",
    en: "schedule",
    zh: "调度",
    columns: &[
        ID,
        NAME,
        Column::text("flow", "任务流", "/flow"),
        Column::new("trigger", "触发器", "", How::Made(trigger)),
        Column::text("zone", "时区", "/zone"),
        Column::new("state", "状态", "", How::MadeState(schedule_state)),
        Column::new("next", "下次", "/next", How::Time),
        Column::new("last", "上次结果", "/last/outcome", How::State),
    ],
};

pub(super) static EXECUTOR: Noun = Noun {
    word: "executor",
    path: "executors",
    en: "executor",
    zh: "执行服务器",
    columns: &[
        ID,
        NAME,
        Column::text("address", "地址", "/address"),
        Column::new("state", "状态", "", How::MadeState(executor_state)),
        Column::new("slots", "槽位", "", How::Made(slots)),
        Column::text("labels", "标签", "/labels"),
        Column::text("version", "版本", "/health/program_version"),
        Column::text("trouble", "问题", "/health/trouble"),
    ],
};

pub(in crate::cli) static CALENDAR: Noun = Noun {
    word: "calendar",
    path: "calendars",
    en: "calendar",
    zh: "日历",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        Column::text("weekend", "周末", "/weekend"),
        Column::new("holidays", "假日", "", How::Made(holidays)),
        DESCRIPTION,
    ],
};

pub(in crate::cli) static POOL: Noun = Noun {
    word: "pool",
    path: "pools",
    en: "pool",
    zh: "资源池",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        Column::new("slots", "槽位", "/slots", How::Number),
        DESCRIPTION,
    ],
};

pub(in crate::cli) static SHARED_PARAM: Noun = Noun {
    word: "param",
    path: "params",
    en: "shared param",
    zh: "共享参数",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        Column::new("value", "值", "", How::Made(param_value)),
        DESCRIPTION,
    ],
};

pub(in crate::cli) static DATA_SOURCE: Noun = Noun {
    word: "data-source",
    path: "data-sources",
    en: "data source",
    zh: "数据源",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        KIND,
        HOST,
        Column::text("database", "库名", "/database"),
        Column::text("user", "用户", "/user"),
    ],
};

pub(in crate::cli) static FILE_SERVER: Noun = Noun {
    word: "file-server",
    path: "file-servers",
    en: "file server",
    zh: "文件服务器",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        KIND,
        HOST,
        Column::text("user", "用户", "/user"),
    ],
};

pub(in crate::cli) static FILE_EVENT: Noun = Noun {
    word: "file-event",
    path: "file-events",
    en: "file event",
    zh: "文件事件",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        ENABLED,
        Column::text("server", "服务器", "/server"),
        Column::text("path", "路径", "/path"),
    ],
};

pub(in crate::cli) static WEBHOOK: Noun = Noun {
    word: "webhook",
    path: "webhooks",
    en: "webhook",
    zh: "Webhook",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        ENABLED,
        Column::text("scheme", "签名方式", "/scheme"),
        DESCRIPTION,
    ],
};

pub(in crate::cli) static ALERT_CHANNEL: Noun = Noun {
    word: "alert-channel",
    path: "alert-channels",
    en: "alert channel",
    zh: "预警配置",
    columns: &[ID, NAME, DIRECTORY, ENABLED, KIND, DESCRIPTION],
};

pub(in crate::cli) static ALERT_RULE: Noun = Noun {
    word: "alert-rule",
    path: "alert-rules",
    en: "alert rule",
    zh: "调度预警",
    columns: &[
        ID,
        NAME,
        DIRECTORY,
        ENABLED,
        Column::text("events", "事件", "/events"),
        Column::text("channels", "预警配置", "/channels"),
        Column::text("escalated_after", "升级时限", "/escalation/after"),
    ],
};

/// `flow/job`, of what has both.
pub(super) fn job_name(item: &Value, _: Lang) -> String {
    let flow = item["flow"]["name"].as_str().unwrap_or_default();
    let job = item["job"]["name"]
        .as_str()
        .or_else(|| item["name"].as_str());
    format!("{flow}/{}", job.unwrap_or_default())
}

fn placement(job: &Value, lang: Lang) -> String {
    let labels = super::table::text(&job["labels"]);
    match (&job["executor"], labels.is_empty()) {
        (Value::Null, true) => super::pick(lang, "any", "任意").to_owned(),
        (Value::Null, false) => labels,
        (executor, _) => super::table::text(executor),
    }
}

/// Letters of a command that a list shows.
const SHOWN: usize = 60;

fn command(job: &Value, _: Lang) -> String {
    let command = job["command"].as_str().unwrap_or_default();
    let line = command.lines().next().unwrap_or_default();
    match line.len() < command.len() || line.chars().count() > SHOWN {
        true => line.chars().take(SHOWN).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

fn trigger(schedule: &Value, _: Lang) -> String {
    match &schedule["trigger"] {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let pairs = fields.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}: {}", super::table::text(value)))
                .collect();
            pairs.join(", ")
        }
        _ => String::new(),
    }
}

fn schedule_state(schedule: &Value) -> &'static str {
    match schedule["paused"].as_bool() {
        Some(true) => "paused",
        _ => "active",
    }
}

fn executor_state(executor: &Value) -> &'static str {
    match (
        executor["enabled"].as_bool(),
        executor["health"]["online"].as_bool(),
    ) {
        (Some(false), _) => "disabled",
        (_, Some(true)) => "online",
        _ => "offline",
    }
}

fn slots(executor: &Value, _: Lang) -> String {
    format!("{}/{}", executor["health"]["slots_used"], executor["slots"])
}

fn holidays(calendar: &Value, _: Lang) -> String {
    calendar["holidays"]
        .as_array()
        .map_or(0, Vec::len)
        .to_string()
}

fn param_value(param: &Value, _: Lang) -> String {
    ["value", "sql", "context"]
        .into_iter()
        .find(|name| !param[*name].is_null())
        .map(|name| super::table::text(&param[name]))
        .unwrap_or_default()
}

/// How far an execution is, and since when.
pub(super) fn progress(execution: &Value, _: Lang) -> String {
    let of = |name: &str| execution["progress"][name].as_u64().unwrap_or(0);
    format!("{}/{}", of("settled"), of("total"))
}

/// How long something took that has started and perhaps ended.
pub(super) fn took(item: &Value, _: Lang) -> String {
    words::took(item["started_at"].as_str(), item["ended_at"].as_str())
}

//! A plan as people read it: `+` is made, `~` changes, `-` goes.

use console::{Color, style};
use serde_json::Value;

use crate::{
    cli::{pick, remote::has_colours},
    interchange::{Lang, MeshPlan, PlannedAction, PlannedChange, PlannedField},
};

/// Letters of a value that a line shows.
const SHOWN: usize = 100;

/// Kinds in both languages.
const KINDS: [(&str, &str, &str); 15] = [
    ("flow", "flow", "任务流"),
    ("job", "job", "任务"),
    ("executor", "executor", "执行服务器"),
    ("pool", "pool", "资源池"),
    ("calendar", "calendar", "日历"),
    ("data_source", "data source", "数据源"),
    ("param", "shared param", "共享参数"),
    ("file_server", "file server", "文件服务器"),
    ("file_event", "file event", "文件事件"),
    ("alert_channel", "alert channel", "预警配置"),
    ("alert_rule", "alert rule", "调度预警"),
    ("schedule", "schedule", "调度"),
    ("webhook", "webhook", "Webhook"),
    ("role", "role", "角色"),
    ("user", "user", "用户"),
];

/// The plan, a line for each definition and each field that changes, with a sum at its end.
pub(in crate::cli) fn text(plan: &MeshPlan, lang: Lang) -> String {
    let mut lines: Vec<String> = plan
        .changes
        .iter()
        .flat_map(|change| change_lines(change, lang))
        .collect();
    if plan.is_empty() {
        let unchanged = plan.unchanged;
        return match lang {
            Lang::En => format!("No changes: {unchanged} unchanged."),
            Lang::Zh => format!("没有变动：{unchanged} 项不变。"),
        };
    }
    lines.push(String::new());
    lines.push(sum(plan, lang));
    lines.join("\n")
}

/// How much a plan does.
pub(in crate::cli) fn sum(plan: &MeshPlan, lang: Lang) -> String {
    let count = |action| plan.count(action);
    let (made, changed, gone) = (
        count(PlannedAction::Create),
        count(PlannedAction::Change),
        count(PlannedAction::Delete),
    );
    let unchanged = plan.unchanged;
    match lang {
        Lang::En => format!(
            "Plan: {made} to create, {changed} to change, {gone} to delete, {unchanged} unchanged."
        ),
        Lang::Zh => {
            format!("计划：新建 {made} 项，修改 {changed} 项，删除 {gone} 项，{unchanged} 项不变。")
        }
    }
}

fn change_lines(change: &PlannedChange, lang: Lang) -> Vec<String> {
    let (sign, colour) = match change.action {
        PlannedAction::Create => ('+', Color::Green),
        PlannedAction::Change => ('~', Color::Yellow),
        PlannedAction::Delete => ('-', Color::Red),
    };
    let kind = KINDS.iter().find(|(word, ..)| *word == change.kind);
    let kind = kind.map_or(&*change.kind, |(_, en, zh)| pick(lang, en, zh));
    let head = format!("{sign} {kind} {}", change.name);
    let mut lines = vec![coloured(&head, colour)];
    let fields = change.fields.iter();
    lines.extend(fields.map(|field| field_line(change.action, field, lang)));
    lines
}

fn field_line(action: PlannedAction, field: &PlannedField, lang: Lang) -> String {
    let PlannedField {
        field,
        before,
        after,
    } = field;
    let none = pick(lang, "(not set)", "（未设）");
    match action {
        PlannedAction::Change => {
            format!(
                "    {field}: {} → {}",
                shown(before, none),
                shown(after, none)
            )
        }
        PlannedAction::Create | PlannedAction::Delete => {
            format!("    {field}: {}", shown(after, none))
        }
    }
}

/// A value in one line.
fn shown(value: &Value, none: &str) -> String {
    let text = match value {
        Value::Null => return none.to_owned(),
        Value::String(text) if text == "***" => text.clone(),
        value => value.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A line in a colour, where that is shown.
fn coloured(line: &str, colour: Color) -> String {
    if !has_colours() {
        return line.to_owned();
    }
    style(line)
        .fg(colour)
        .bold()
        .force_styling(true)
        .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_reads_as_those_of_infrastructure_tools() {
        let change = |action, kind: &str, name: &str, fields| PlannedChange {
            action,
            kind: kind.to_owned(),
            name: name.to_owned(),
            fields,
        };
        let field = |field: &str, before, after| PlannedField {
            field: field.to_owned(),
            before,
            after,
        };
        let plan = MeshPlan {
            changes: vec![
                change(
                    PlannedAction::Create,
                    "flow",
                    "load",
                    vec![field("priority", Value::Null, json!(5))],
                ),
                change(
                    PlannedAction::Change,
                    "data_source",
                    "dw",
                    vec![
                        field("host", json!("a"), json!("b")),
                        field("password", Value::Null, json!("***")),
                    ],
                ),
                change(PlannedAction::Delete, "schedule", "old", Vec::new()),
            ],
            unchanged: 12,
        };
        assert_eq!(
            text(&plan, Lang::En),
            "+ flow load\n    priority: 5\n~ data source dw\n    host: \"a\" → \"b\"\n    password: (not set) → ***\n\
             - schedule old\n\nPlan: 1 to create, 1 to change, 1 to delete, 12 unchanged."
        );
        assert!(text(&plan, Lang::Zh).contains("~ 数据源 dw"));
        let nothing = MeshPlan {
            changes: Vec::new(),
            unchanged: 3,
        };
        assert_eq!(text(&nothing, Lang::Zh), "没有变动：3 项不变。");
    }
}

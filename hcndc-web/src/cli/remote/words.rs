//! States in people's words and colours, times, spans.

use std::{io::IsTerminal as _, time::Duration};

use chrono::{DateTime, Local, Utc};
use comfy_table::Cell;

use crate::{cli::run::seconds, interchange::Lang};

/// A state, as the API names it, in words.
pub(super) fn state(state: &str, lang: Lang) -> &str {
    if lang == Lang::En {
        return state;
    }
    match state {
        "waiting" => "等待",
        "joined" => "并入",
        "blocked" => "阻塞",
        "queued" => "排队",
        "dispatched" => "已派发",
        "running" => "运行中",
        "retry_wait" => "等待重试",
        "paused" => "已暂停",
        "stopping" => "停止中",
        "succeeded" => "成功",
        "failed" => "失败",
        "stopped" => "已停止",
        "killed" => "已终止",
        "upstream_failed" => "上游失败",
        "skipped" => "跳过",
        "timed_out" => "超时",
        "not_started" => "未能启动",
        "lost" => "丢失",
        "started" => "已启动",
        "active" => "启用",
        "online" => "在线",
        "offline" => "离线",
        "disabled" => "停用",
        other => other,
    }
}

/// A colour, as a terminal takes it (ECMA-48 SGR), and the mark that stands for it until a table is laid out: characters
/// that have no width, so that columns stay as wide as what is seen of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour {
    mark: char,
    code: &'static str,
}

const GREEN: Colour = Colour::new('\u{2061}', "\x1b[32m");
const RED: Colour = Colour::new('\u{2062}', "\x1b[31m");
const CYAN: Colour = Colour::new('\u{2063}', "\x1b[36m");
const YELLOW: Colour = Colour::new('\u{2064}', "\x1b[33m");
const GREY: Colour = Colour::new('\u{2060}', "\x1b[90m");
const NONE: Colour = Colour::new('\u{feff}', "\x1b[0m");

impl Colour {
    const fn new(mark: char, code: &'static str) -> Self {
        Self { mark, code }
    }

    /// The colour of a state.
    fn of(state: &str) -> Option<Self> {
        Some(match state {
            "succeeded" | "online" | "started" => GREEN,
            "failed" | "upstream_failed" | "killed" | "timed_out" | "lost" | "not_started"
            | "offline" => RED,
            "running" | "dispatched" => CYAN,
            "queued" | "retry_wait" | "stopping" | "paused" => YELLOW,
            "skipped" | "stopped" | "disabled" => GREY,
            _ => return None,
        })
    }
}

/// A state as a cell of a table, to be [painted](paint).
pub(super) fn state_cell(of: &str, lang: Lang) -> Cell {
    let word = state(of, lang);
    match Colour::of(of).filter(|_| has_colours()) {
        Some(colour) => Cell::new(format!("{}{word}{}", colour.mark, NONE.mark)),
        None => Cell::new(word),
    }
}

/// A table that is laid out, with colours in the place of their marks.
pub(super) fn paint(table: &str) -> String {
    let mut painted = String::with_capacity(table.len());
    for letter in table.chars() {
        let colours = [GREEN, RED, CYAN, YELLOW, GREY, NONE];
        match colours.iter().find(|colour| colour.mark == letter) {
            Some(colour) => painted.push_str(colour.code),
            None => painted.push(letter),
        }
    }
    painted
}

/// Whether people see colours: on a terminal, unless they want none (no-color.org).
pub(in crate::cli) fn has_colours() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A time of the API, in the zone of this terminal.
pub(super) fn time(text: &str) -> String {
    match text.parse::<DateTime<Utc>>() {
        Ok(time) => time
            .with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => text.to_owned(),
    }
}

/// How long something took, or has taken until now.
pub(super) fn took(from: Option<&str>, to: Option<&str>) -> String {
    let parse = |text: &str| text.parse::<DateTime<Utc>>().ok();
    let Some(from) = from.and_then(parse) else {
        return String::new();
    };
    let to = to.and_then(parse).unwrap_or_else(Utc::now);
    let took = (to - from).to_std().unwrap_or(Duration::ZERO);
    seconds(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_and_times_that_are_none_stay() {
        let (from, to) = ("2026-11-21T18:00:00.000250Z", "2026-11-21T18:01:03.000250Z");
        assert_eq!(took(Some(from), Some(to)), "1 min 3 s");
        assert_eq!(took(None, Some(to)), "");
        assert_eq!(time("soon"), "soon");
        assert_eq!(state("upstream_failed", Lang::Zh), "上游失败");
    }

    #[test]
    fn colours_take_no_room_in_a_table() {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        let marked = format!("{}失败{}", RED.mark, NONE.mark);
        table.add_row([marked.as_str(), "x"]);
        table.add_row(["四个汉字", "y"]);
        let painted = paint(&table.trim_fmt());
        assert_eq!(painted, " \x1b[31m失败\x1b[0m      x\n 四个汉字  y");
    }
}

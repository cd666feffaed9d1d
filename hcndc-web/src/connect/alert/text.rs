//! What happened, in words: Chinese or English.

use std::fmt::Write as _;

use chrono_tz::Tz;
use hcndc_core::{engine::ExecutionState, id::AlertChannelId, model::AlertEvent, time::Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    Manners,
    story::{ExecutionStory, JobStory, Story},
    webhook::hex,
};
use crate::{api, interchange::Lang};

/// Alerts of a message that are told whole; more are told in a line each.
pub const TOLD_WHOLE: usize = 10;
/// Alerts of a message that are told at all; more are counted.
pub const TOLD: usize = 100;

/// What is told on a channel at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What tells it from every other message; the same when it is sent again.
    pub delivery: String,
    /// How it is told.
    pub manners: Manners,
    /// Whether it is only to show that the channel works.
    pub test: bool,
    /// What happened; not empty.
    pub stories: Vec<Story>,
    /// How many more alerts it stands for.
    pub left_out: usize,
}

impl Message {
    /// A message about these, which are not empty.
    #[must_use]
    pub fn new(
        channel: AlertChannelId,
        manners: Manners,
        stories: Vec<Story>,
        left_out: usize,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(channel.0.to_be_bytes());
        for story in &stories {
            hash.update(story.alert.to_be_bytes());
            hash.update(story.raised_at.as_micros().to_be_bytes());
        }
        hash.update(left_out.to_be_bytes());
        Self {
            delivery: hex(&hash.finalize()[..16]),
            manners,
            test: false,
            stories,
            left_out,
        }
    }

    fn is_zh(&self) -> bool {
        self.manners.lang == Lang::Zh
    }

    /// One line that says the most.
    #[must_use]
    pub fn title(&self) -> String {
        let first = self
            .stories
            .first()
            .map(|story| headline(story, self.manners.lang));
        let first = first.unwrap_or_default();
        let count = self.stories.len() + self.left_out;
        let zh = self.is_zh();
        let test = match (self.test, zh) {
            (true, true) => "测试：",
            (true, false) => "Test: ",
            (false, _) => "",
        };
        match (count, zh) {
            (0 | 1, _) => format!("[HCNDC] {test}{first}"),
            (_, true) => format!("[HCNDC] {count} 条预警：{first} 等"),
            (_, false) => format!("[HCNDC] {count} alerts: {first}, and others"),
        }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.title();
        text.push('\n');
        if self.test {
            text.push_str(match self.is_zh() {
                true => "这是一条测试消息，说明该预警配置可用；以下内容为示例。\n",
                false => "This is a test, which shows that the channel works. What follows is an example.\n",
            });
        }
        let several = self.stories.len() + self.left_out > 1;
        for story in self.stories.iter().take(TOLD_WHOLE) {
            text.push('\n');
            if several {
                text.push_str(&headline(story, self.manners.lang));
                text.push('\n');
            }
            tell(story, self.manners, &mut text);
        }
        let rest = &self.stories[self.stories.len().min(TOLD_WHOLE)..];
        if !rest.is_empty() {
            text.push('\n');
            for story in rest {
                let _ = writeln!(text, "- {}", headline(story, self.manners.lang));
            }
        }
        if self.left_out > 0 {
            let _ = match self.is_zh() {
                true => writeln!(text, "\n另有 {} 条，见预警列表。", self.left_out),
                false => writeln!(
                    text,
                    "\n{} more stand in the list of alerts.",
                    self.left_out
                ),
            };
        }
        text
    }

    /// As much of it as so many bytes hold.
    #[must_use]
    pub fn text_within(&self, bytes: usize) -> String {
        let text = self.text();
        let text = text.trim_end();
        if text.len() <= bytes {
            return text.to_owned();
        }
        let end = text.floor_char_boundary(bytes.saturating_sub("…".len()));
        format!("{}…", &text[..end])
    }

    /// The most important of it, in so many characters.
    #[must_use]
    pub fn short(&self, characters: usize) -> String {
        let mut text = self.title();
        if let [story] = &self.stories[..]
            && let Some(job) = story.job.as_ref().or_else(|| story.failed.first())
        {
            let why = why(job, self.manners.lang);
            text.push_str(if self.is_zh() { "，" } else { ", " });
            text.push_str(&why);
        }
        if text.chars().count() <= characters {
            return text;
        }
        let kept = characters.saturating_sub(1);
        text.chars().take(kept).chain(['…']).collect()
    }

    /// The page of the first alert.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.stories.first()?.url.as_deref()
    }

    /// What a button to that page says.
    #[must_use]
    pub fn open_words(&self) -> &'static str {
        match self.is_zh() {
            true => "查看",
            false => "Open",
        }
    }
}

/// What happened, to what and for which date.
fn headline(story: &Story, lang: Lang) -> String {
    let (en, zh) = event(story.event);
    let (not_en, not_zh) = match story.escalates {
        Some(_) => ("Not acknowledged: ", "无人确认："),
        None => ("", ""),
    };
    let about = about(story);
    let date = story.data_date.map(|date| date.to_string());
    match lang {
        Lang::En => {
            let mut line = format!("{not_en}{en}");
            if !about.is_empty() {
                let _ = write!(line, ": {about}");
            }
            if let Some(date) = date {
                let _ = write!(line, " ({date})");
            }
            line
        }
        Lang::Zh => {
            let mut line = format!("{not_zh}{zh}");
            if !about.is_empty() {
                let _ = write!(line, "：{about}");
            }
            if let Some(date) = date {
                let _ = write!(line, "（{date}）");
            }
            line
        }
    }
}

const fn event(event: AlertEvent) -> (&'static str, &'static str) {
    match event {
        AlertEvent::ExecutionSucceeded => ("Execution succeeded", "执行成功"),
        AlertEvent::ExecutionFailed => ("Execution failed", "执行失败"),
        AlertEvent::JobFailed => ("Job failed", "任务失败"),
        AlertEvent::JobRetried => ("Job failed and is tried again", "任务失败，将重试"),
        AlertEvent::NotStartedBy => ("Not started in time", "未按时开始"),
        AlertEvent::NotFinishedBy => ("Not finished in time", "未按时完成"),
        AlertEvent::ExecutorLost => ("Executor lost", "执行服务器失联"),
        AlertEvent::DataSourceDown => ("Data source out of reach", "数据源无法连接"),
        AlertEvent::LongerThanUsual => ("Job takes longer than usual", "任务运行时间超出预期"),
    }
}

/// Name of what it happened to.
fn about(story: &Story) -> String {
    if let Some(job) = &story.job {
        return format!("{}/{}", job.flow, job.job);
    }
    if let Some(server) = story.executor.as_ref().or(story.data_source.as_ref()) {
        return server.name.clone();
    }
    if let (AlertEvent::NotStartedBy | AlertEvent::NotFinishedBy, Some(schedule)) =
        (story.event, &story.schedule)
    {
        return schedule.clone();
    }
    match &story.execution {
        Some(execution) => flows(execution),
        None => story.schedule.clone().unwrap_or_default(),
    }
}

fn flows(execution: &ExecutionStory) -> String {
    let mut text = execution.flows.join(", ");
    if execution.flows_more > 0 {
        let _ = write!(text, " +{}", execution.flows_more);
    }
    text
}

/// Tells it all, a fact a line. The page stands before outputs: what is cut off is the output's end.
fn tell(story: &Story, manners: Manners, text: &mut String) {
    let zh = manners.lang == Lang::Zh;
    let time = |at: Timestamp| local(at, manners.zone);
    let mut line = |en: &str, chinese: &str, value: &str| {
        if !value.is_empty() {
            let _ = match zh {
                true => writeln!(text, "{chinese}：{value}"),
                false => writeln!(text, "{en}: {value}"),
            };
        }
    };
    line(
        "Schedule",
        "调度",
        story.schedule.as_deref().unwrap_or_default(),
    );
    let date = story.data_date.map(|date| date.to_string());
    line("Data date", "数据日期", &date.unwrap_or_default());
    let deadline = story.deadline.map(time);
    line("Deadline", "时限", &deadline.unwrap_or_default());
    if let Some(execution) = &story.execution {
        line("Flows", "任务流", &flows(execution));
        let state = state(execution.state, manners.lang);
        line("Execution", "执行", &format!("{} ({state})", execution.id));
        line("Started", "开始", &time(execution.started_at));
        line(
            "Ended",
            "结束",
            &execution.ended_at.map(time).unwrap_or_default(),
        );
    }
    if let Some(job) = &story.job {
        let cause = why(job, manners.lang);
        line("Cause", "原因", &cause);
        let attempt = match (job.executor.is_empty(), zh) {
            (true, _) => job.attempt.to_string(),
            (false, true) => format!("{}，执行服务器 {}", job.attempt, job.executor),
            (false, false) => format!("{} on executor {}", job.attempt, job.executor),
        };
        line("Attempt", "尝试", &attempt);
    }
    for job in &story.failed {
        let cause = format!("{}/{}: {}", job.flow, job.job, why(job, manners.lang));
        line("Failed job", "失败任务", &cause);
    }
    if story.failed_more > 0 {
        line(
            "More failed jobs",
            "其他失败任务",
            &story.failed_more.to_string(),
        );
    }
    for server in [&story.executor, &story.data_source].into_iter().flatten() {
        line("Address", "地址", &server.address);
        line(
            "Cause",
            "原因",
            server.trouble.as_deref().unwrap_or_default(),
        );
    }
    let since = story.escalates.as_ref();
    let raised_at = since.map_or(story.raised_at, |it| it.raised_at);
    line("Raised", "发生时间", &time(raised_at));
    if since.is_some() {
        line("Escalated", "升级时间", &time(story.raised_at));
    }
    line("Rule", "规则", &story.rule);
    line("More", "详情", story.url.as_deref().unwrap_or_default());
    let acknowledge = story.acknowledge_url.as_deref();
    line("Acknowledge", "确认", acknowledge.unwrap_or_default());
    for job in story.job.iter().chain(&story.failed) {
        if job.log.is_empty() {
            continue;
        }
        let _ = match zh {
            true => writeln!(text, "{}/{} 的最后输出：", job.flow, job.job),
            false => writeln!(text, "Last output of {}/{}:", job.flow, job.job),
        };
        for line in &job.log {
            let _ = writeln!(text, "  {line}");
        }
    }
}

/// How its latest attempt stands.
fn why(job: &JobStory, lang: Lang) -> String {
    job.state.map_or_else(String::new, |state| {
        api::attempt_end(state, job.exit_code, job.signal, &job.message, lang)
    })
}

fn state(state: ExecutionState, lang: Lang) -> &'static str {
    let zh = match state {
        ExecutionState::Running => "运行中",
        ExecutionState::Paused => "已暂停",
        ExecutionState::Stopping => "正在停止",
        ExecutionState::Succeeded => "成功",
        ExecutionState::Failed => "失败",
        ExecutionState::Stopped => "已停止",
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => state.as_str(),
    }
}

/// A time of a zone, to the second.
fn local(at: Timestamp, zone: Tz) -> String {
    let local = at.to_utc().with_timezone(&zone);
    local.format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::alert::story::EscalatedStory;

    const EN: Manners = Manners {
        lang: Lang::En,
        zone: Tz::UTC,
    };
    const ZH: Manners = Manners {
        lang: Lang::Zh,
        zone: Tz::Asia__Shanghai,
    };

    fn story(alert: u64) -> Story {
        let now = "2026-11-22T01:02:03Z".parse().expect("a time");
        Story {
            alert,
            ..Story::example(now, Tz::UTC, Some("http://h/execute/7".to_owned()))
        }
    }

    fn message(manners: Manners, count: u64, left_out: usize) -> Message {
        let stories = (1..=count).map(story).collect();
        Message::new(AlertChannelId(1), manners, stories, left_out)
    }

    #[test]
    fn one_alert_is_told_whole_in_english() {
        let expected = "\
[HCNDC] Job failed: example/load (2026-11-21)

Data date: 2026-11-21
Cause: it exited with 3
Attempt: 1 on executor etl-1
Raised: 2026-11-22 01:02:03 +00:00
Rule: test
More: http://h/execute/7
Last output of example/load:
  2 rows are refused
";
        assert_eq!(message(EN, 1, 0).text(), expected);
    }

    #[test]
    fn one_alert_is_told_whole_in_chinese() {
        let expected = "\
[HCNDC] 任务失败：example/load（2026-11-21）

数据日期：2026-11-21
原因：退出码 3
尝试：1，执行服务器 etl-1
发生时间：2026-11-22 09:02:03 +08:00
规则：test
详情：http://h/execute/7
example/load 的最后输出：
  2 rows are refused
";
        assert_eq!(message(ZH, 1, 0).text(), expected);
    }

    #[test]
    fn others_are_told_that_nobody_has_acknowledged() {
        let mut story = story(2);
        story.escalates = Some(EscalatedStory {
            alert: 1,
            raised_at: "2026-11-22T00:32:03Z".parse().expect("a time"),
        });
        story.acknowledge_url = Some("http://h/alert/?id=2".to_owned());
        let text =
            |manners| Message::new(AlertChannelId(1), manners, vec![story.clone()], 0).text();
        let english = text(EN);
        for part in [
            "[HCNDC] Not acknowledged: Job failed: example/load (2026-11-21)\n",
            "Raised: 2026-11-22 00:32:03 +00:00\nEscalated: 2026-11-22 01:02:03 +00:00\n",
            "More: http://h/execute/7\nAcknowledge: http://h/alert/?id=2\n",
        ] {
            assert!(english.contains(part), "{english}");
        }
        let chinese = text(ZH);
        for part in [
            "[HCNDC] 无人确认：任务失败：example/load（2026-11-21）\n",
            "发生时间：2026-11-22 08:32:03 +08:00\n升级时间：2026-11-22 09:02:03 +08:00\n",
            "确认：http://h/alert/?id=2\n",
        ] {
            assert!(chinese.contains(part), "{chinese}");
        }
    }

    #[test]
    fn many_alerts_are_told_in_a_line_each_and_then_counted() {
        let many = message(EN, 30, 7);
        let text = many.text();
        assert!(text.starts_with("[HCNDC] 37 alerts: Job failed: example/load"));
        assert_eq!(text.matches("Cause:").count(), TOLD_WHOLE);
        assert_eq!(text.matches("\n- Job failed").count(), 20);
        assert!(text.contains("7 more"));
    }

    #[test]
    fn a_text_that_is_too_long_ends_between_letters() {
        let text = message(ZH, 5, 0).text_within(100);
        assert!(text.len() <= 100 && text.ends_with('…'), "{text}");
        assert_eq!(message(ZH, 1, 0).short(12).chars().count(), 12);
        assert_eq!(
            message(ZH, 1, 0).short(200),
            "[HCNDC] 任务失败：example/load（2026-11-21），退出码 3"
        );
    }

    #[test]
    fn a_message_that_is_sent_again_is_the_same_delivery() {
        assert_eq!(message(EN, 2, 0).delivery, message(EN, 2, 0).delivery);
        assert_ne!(message(EN, 2, 0).delivery, message(EN, 3, 0).delivery);
    }
}

//! Settings of channels, data sources and file servers: which there are, and what may stand in them.
//!
//! The core keeps them as texts and knows none of them. Each connector lists its own as [`Setting`]s; [`faults`] is the one
//! place that checks them, for the API, for tests of a connection, and before each use.

use std::{collections::BTreeMap, str::FromStr as _};

use chrono::NaiveTime;
use chrono_tz::Tz;

use crate::interchange::Lang;

/// One setting that a connector knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name; one that ends with `*` stands for all that begin so.
    pub name: &'static str,
    /// Whether nothing works without it.
    pub needed: bool,
    /// What may stand in it.
    pub form: Form,
}

/// What may stand in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text that is not empty.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An address that begins with `http://` or `https://`.
    Url,
    /// A port, 1 to 65535.
    Port,
    /// A whole number in this range.
    Number(u64, u64),
    /// `true` or `false`.
    Flag,
    /// A part of each day: `22:00-07:00`.
    Hours,
    /// An IANA time zone.
    Zone,
}

/// Something wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// Its name; `secret` for the secret.
    pub setting: String,
    /// What is wrong.
    pub problem: SettingProblem,
}

/// What can be wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingProblem {
    /// It is needed, and is not there.
    Missing,
    /// No such setting is known; these are.
    Unknown {
        /// Names of those that are known.
        known: Vec<&'static str>,
    },
    /// It has another form.
    Form {
        /// What may stand in it.
        expected: Form,
    },
    /// It cannot be what it should be, in the words of whoever reads it.
    Unreadable(Words),
}

/// What a person is told, in both languages; no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Words {
    /// In English, and the same in Chinese.
    #[must_use]
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        let (en, zh) = (en.into(), zh.into());
        Self { en, zh }
    }
}

impl Setting {
    /// One that nothing works without.
    #[must_use]
    pub const fn needed(name: &'static str, form: Form) -> Self {
        let needed = true;
        Self { name, needed, form }
    }

    /// One that has a default.
    #[must_use]
    pub const fn optional(name: &'static str, form: Form) -> Self {
        let needed = false;
        Self { name, needed, form }
    }

    fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.len() > start.len() && name.starts_with(start),
            None => self.name == name,
        }
    }
}

impl Form {
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Text => !text.trim().is_empty(),
            Self::Word(words) => words.contains(&text),
            Self::Url => is_url(text),
            Self::Port => text.parse::<u16>().is_ok_and(|port| port != 0),
            Self::Number(least, most) => text
                .parse::<u64>()
                .is_ok_and(|number| (least..=most).contains(&number)),
            Self::Flag => matches!(text, "true" | "false"),
            Self::Hours => Hours::parse(text).is_some(),
            Self::Zone => Tz::from_str(text).is_ok(),
        }
    }

    fn words(self, lang: Lang) -> String {
        let zh = lang == Lang::Zh;
        match self {
            Self::Text if zh => "不能为空".into(),
            Self::Text => "it must not be empty".into(),
            Self::Word(words) if zh => format!("应为下列之一：{}", words.join("、")),
            Self::Word(words) => format!("it must be one of: {}", words.join(", ")),
            Self::Url if zh => "应为以 https:// 或 http:// 开头的地址".into(),
            Self::Url => "it must be an address that begins with https:// or http://".into(),
            Self::Port if zh => "应为 1 到 65535 的端口".into(),
            Self::Port => "it must be a port, 1 to 65535".into(),
            Self::Number(least, most) if zh => format!("应为 {least} 到 {most} 的整数"),
            Self::Number(least, most) => {
                format!("it must be a whole number from {least} to {most}")
            }
            Self::Flag if zh => "应为 true 或 false".into(),
            Self::Flag => "it must be true or false".into(),
            Self::Hours if zh => "应为每天的一段时间，如 22:00-07:00".into(),
            Self::Hours => "it must be a part of the day, such as 22:00-07:00".into(),
            Self::Zone if zh => "应为 IANA 时区名，如 Asia/Shanghai".into(),
            Self::Zone => "it must be an IANA time zone, such as Asia/Shanghai".into(),
        }
    }
}

impl SettingFault {
    /// That a setting that is needed is not there.
    #[must_use]
    pub fn missing(setting: &str) -> Self {
        Self {
            setting: setting.to_owned(),
            problem: SettingProblem::Missing,
        }
    }

    /// That a setting cannot be what it should be.
    #[must_use]
    pub const fn unreadable(setting: String, why: Words) -> Self {
        let problem = SettingProblem::Unreadable(why);
        Self { setting, problem }
    }

    /// What is wrong, as a sentence that names the setting.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        let name = &self.setting;
        let what = match (&self.problem, lang) {
            (SettingProblem::Missing, Lang::En) => "it is needed".to_owned(),
            (SettingProblem::Missing, Lang::Zh) => "必须填写".to_owned(),
            (SettingProblem::Unknown { known }, Lang::En) => {
                format!("there is no such setting; there are: {}", known.join(", "))
            }
            (SettingProblem::Unknown { known }, Lang::Zh) => {
                format!("没有这个设置；可用的有：{}", known.join("、"))
            }
            (SettingProblem::Form { expected }, lang) => expected.words(lang),
            (SettingProblem::Unreadable(why), Lang::En) => why.en.clone(),
            (SettingProblem::Unreadable(why), Lang::Zh) => why.zh.clone(),
        };
        match lang {
            Lang::En => format!("setting {name}: {what}"),
            Lang::Zh => format!("设置 {name}：{what}"),
        }
    }
}

/// What is wrong with settings, in one line for logs and trials.
#[must_use]
pub fn sentences(faults: &[SettingFault]) -> String {
    let sentences = faults.iter().map(|fault| fault.sentence(Lang::En));
    sentences.collect::<Vec<_>>().join("; ")
}

/// What is wrong with these settings, by the list of those that are known.
#[must_use]
pub fn faults(known: &[&[Setting]], settings: &BTreeMap<String, String>) -> Vec<SettingFault> {
    let all = || known.iter().copied().flatten();
    let mut faults = Vec::new();
    for setting in all() {
        let is_there = settings.contains_key(setting.name);
        if setting.needed && !is_there {
            faults.push(SettingFault::missing(setting.name));
        }
    }
    for (name, text) in settings {
        let problem = match all().find(|setting| setting.is(name)) {
            Some(setting) if setting.form.fits(text) => continue,
            Some(setting) => SettingProblem::Form {
                expected: setting.form,
            },
            None => SettingProblem::Unknown {
                known: all().map(|setting| setting.name).collect(),
            },
        };
        faults.push(SettingFault {
            setting: name.clone(),
            problem,
        });
    }
    faults
}

/// Whether a text is an address that a request can go to.
#[must_use]
pub fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// A setting's text, if it is there.
#[must_use]
pub fn text<'a>(settings: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    settings.get(name).map(|text| text.trim())
}

/// Whether a flag is set.
#[must_use]
pub fn flag(settings: &BTreeMap<String, String>, name: &str) -> bool {
    text(settings, name) == Some("true")
}

/// A number, or this where there is none.
#[must_use]
pub fn number(settings: &BTreeMap<String, String>, name: &str, default: u64) -> u64 {
    text(settings, name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// The parts of a list that is separated by commas, semicolons or white space.
pub fn list<'a>(
    settings: &'a BTreeMap<String, String>,
    name: &str,
) -> impl Iterator<Item = &'a str> {
    let text = text(settings, name).unwrap_or_default();
    text.split(|c: char| matches!(c, ',' | ';' | '，' | '；') || c.is_whitespace())
        .filter(|part| !part.is_empty())
}

/// A part of each day; over midnight if it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Its first moment.
    pub from: NaiveTime,
    /// The first moment after it.
    pub to: NaiveTime,
}

impl Hours {
    /// Reads `22:00-07:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        let hours = Self {
            from: time(from)?,
            to: time(to)?,
        };
        (hours.from != hours.to).then_some(hours)
    }

    /// Whether a time of day lies in it.
    #[must_use]
    pub fn holds(&self, time: NaiveTime) -> bool {
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Setting] = &[
        Setting::needed("host", Form::Text),
        Setting::optional("port", Form::Port),
        Setting::optional("tls", Form::Word(&["none", "tls"])),
        Setting::optional("header.*", Form::Text),
    ];

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_needed_unknown_or_of_another_form_is_told() {
        let found = faults(
            &[KNOWN],
            &settings(&[("port", "0"), ("hots", "a"), ("header.X-A", "1")]),
        );
        let told: Vec<(&str, bool)> = found
            .iter()
            .map(|it| {
                (
                    it.setting.as_str(),
                    matches!(it.problem, SettingProblem::Unknown { .. }),
                )
            })
            .collect();
        assert_eq!(told, [("host", false), ("hots", true), ("port", false)]);
        assert!(found[1].sentence(Lang::En).contains("host, port, tls"));
    }

    #[test]
    fn good_settings_have_no_faults() {
        let good = settings(&[("host", "mail"), ("tls", "tls"), ("port", "25")]);
        assert_eq!(faults(&[KNOWN], &good), []);
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let time = |text| NaiveTime::parse_from_str(text, "%H:%M").expect("a time");
        let night = Hours::parse("22:00-07:00").expect("hours");
        for (text, holds) in [
            ("21:59", false),
            ("22:00", true),
            ("06:59", true),
            ("07:00", false),
        ] {
            assert_eq!(night.holds(time(text)), holds, "{text}");
        }
        for bad in ["22:00", "22:00-22:00", "25:00-01:00", "-"] {
            assert_eq!(Hours::parse(bad), None, "{bad}");
        }
    }
}

//! Why a delivery starts nothing.

use hcndc_core::model::HookTest;
use serde::{Deserialize, Serialize};

use crate::interchange::Lang;

/// Why a delivery starts nothing; stored with it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It is not signed with a secret of the webhook.
    BadSignature,
    /// It was signed too long ago, or its sender's clock is wrong.
    OldTimestamp,
    /// The webhook is not enabled.
    Disabled,
    /// The body is no JSON.
    NotJson,
    /// A condition does not hold.
    Filtered {
        /// Its number, from 1.
        condition: usize,
        /// Where it looks.
        at: String,
        /// What it asks for.
        is: HookTest,
    },
    /// Something that is needed does not stand where it should.
    Missing {
        /// What it is for: `data_date`, or a param.
        of: String,
        /// Where it should stand.
        at: String,
    },
    /// What stands there is no date of the form that is asked for.
    BadDate {
        /// What stands there.
        text: String,
        /// The form.
        format: String,
    },
    /// A value is longer than programs take, or holds the character NUL.
    BadValue {
        /// The param.
        of: String,
    },
    /// The same id came with another body.
    Reused,
    /// The scheduler refused to start; why, by its code in the API.
    NotStarted {
        /// The code of the problem.
        problem: String,
    },
}

impl Reason {
    /// As it is stored.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What was stored, if this version knows it.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// A sentence. `title` names a problem of the API.
    pub(crate) fn told(&self, lang: Lang, title: impl Fn(&str) -> String) -> String {
        match lang {
            Lang::En => self.en(title),
            Lang::Zh => self.zh(title),
        }
    }

    fn en(&self, title: impl Fn(&str) -> String) -> String {
        match self {
            Self::BadSignature => {
                "it is not signed with a secret of this webhook: compare secret, scheme and header with the sender's".to_owned()
            }
            Self::OldTimestamp => {
                "it was signed more than 5 minutes ago, or its sender's clock is wrong".to_owned()
            }
            Self::Disabled => "the webhook is not enabled".to_owned(),
            Self::NotJson => "the body is no JSON".to_owned(),
            Self::Filtered { condition, at, is } => {
                let wanted = match is {
                    HookTest::Equals => "is none of the values",
                    HookTest::Differs => "is missing, or one of the values",
                    HookTest::Matches => "fits none of the values",
                    HookTest::Exists => "is missing",
                    HookTest::Absent => "is there",
                };
                format!("condition {condition} of the filter does not hold: what stands at {at:?} {wanted}")
            }
            Self::Missing { of, at } => {
                format!("there is nothing at {at:?}, where {of} should stand")
            }
            Self::BadDate { text, format } => {
                format!("{text:?} begins with no date of the form {format}")
            }
            Self::BadValue { of } => {
                format!("the value of {of} is longer than programs take, or holds the character NUL")
            }
            Self::Reused => "the same id came with another body before".to_owned(),
            Self::NotStarted { problem } => format!("it was not started: {}", title(problem)),
        }
    }

    fn zh(&self, title: impl Fn(&str) -> String) -> String {
        match self {
            Self::BadSignature => {
                "签名与本 Webhook 的密钥不符：请与发送方核对密钥、签名方式和请求头".to_owned()
            }
            Self::OldTimestamp => "签名时间相差超过 5 分钟，或发送方的时钟不准".to_owned(),
            Self::Disabled => "该 Webhook 未启用".to_owned(),
            Self::NotJson => "内容不是 JSON".to_owned(),
            Self::Filtered { condition, at, is } => {
                let wanted = match is {
                    HookTest::Equals => "不等于任何一个值",
                    HookTest::Differs => "不存在，或等于其中一个值",
                    HookTest::Matches => "不匹配任何一个值",
                    HookTest::Exists => "不存在",
                    HookTest::Absent => "存在",
                };
                format!("不满足过滤条件 {condition}：“{at}”处的值{wanted}")
            }
            Self::Missing { of, at } => format!("“{at}”处没有值，而 {of} 取自该处"),
            Self::BadDate { text, format } => format!("“{text}”不以 {format} 格式的日期开头"),
            Self::BadValue { of } => format!("{of} 的值超过程序可接受的长度，或含有 NUL 字符"),
            Self::Reused => "同一标识曾带有其他内容".to_owned(),
            Self::NotStarted { problem } => format!("未能启动：{}", title(problem)),
        }
    }
}

//! Why somebody may not do something, and what can be wrong with users, roles and tokens.

use std::time::Duration;

use hcndc_core::{
    id::RoleId,
    port::{AccountsError, ErrorKind, Permission, PortError as _},
};
use warp::http::StatusCode;

use super::{problem::Problem, text::either};
use crate::{
    auth::{SignInError, WeakPassword, outside::Unwelcome},
    causes::with_causes,
    interchange::Lang,
};

/// A refusal that has to do with who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// It is not known who asks: no session or token, or one that has ended.
    SignedOut,
    /// Account and password do not fit.
    WrongPassword,
    /// Too many wrong passwords.
    TooManyAttempts {
        /// When to try again.
        seconds: u64,
    },
    /// A delivery to a webhook that is not there, or that is not signed as it should be: which, is nobody's business.
    BadSignature,
    /// More deliveries than are taken.
    TooManyDeliveries {
        /// When to try again.
        seconds: u64,
    },
    /// A change by cookie that does not show the session's value.
    Csrf,
    /// The caller may not do this.
    Forbidden {
        /// What they would have to be allowed.
        permission: Permission,
    },
    /// The caller may do this, but not there.
    ForbiddenThere {
        /// What they would have to be allowed.
        permission: Permission,
        /// Where.
        directory: String,
    },
    /// The password must be changed first.
    PasswordChangeNeeded,
    /// The password will not do.
    WeakPassword(WeakPassword),
    /// A token that may do more than whoever makes it.
    TooStrongToken {
        /// What they may not do themselves.
        permission: Permission,
    },
    /// Another user or role has the name.
    NameTaken,
    /// Somebody else has changed it.
    Stale {
        /// The version that it has.
        current: u32,
    },
    /// Users have the role.
    RoleInUse {
        /// Their accounts.
        accounts: Vec<String>,
    },
    /// The last one who may administer.
    LastAdmin,
    /// There is no such role.
    UnknownRole {
        /// What was named.
        role: String,
    },
    /// There is no such user.
    UnknownUser {
        /// What was named.
        user: String,
    },
    /// The directory does not say whether a password is right.
    DirectoryUnavailable,
    /// Somebody else has the account that a person from outside would have.
    AccountTaken {
        /// Which.
        account: String,
    },
    /// Another system checks the user's password.
    OutsideUser,
    /// This server keeps no users.
    NoUsers,
}

impl Denial {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::WrongPassword => "wrong_password",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::BadSignature => "bad_signature",
            Self::TooManyDeliveries { .. } => "too_many_deliveries",
            Self::Csrf => "csrf",
            Self::Forbidden { .. } | Self::ForbiddenThere { .. } => "forbidden",
            Self::PasswordChangeNeeded => "password_change_needed",
            Self::WeakPassword(_) => "weak_password",
            Self::TooStrongToken { .. } => "too_strong_token",
            Self::NameTaken => "name_taken",
            Self::Stale { .. } => "stale",
            Self::RoleInUse { .. } => "in_use",
            Self::LastAdmin => "last_admin",
            Self::UnknownRole { .. } => "unknown_role",
            Self::UnknownUser { .. } => "unknown_user",
            Self::DirectoryUnavailable => "directory_unavailable",
            Self::AccountTaken { .. } => "account_taken",
            Self::OutsideUser => "outside_user",
            Self::NoUsers => "no_users",
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut | Self::WrongPassword | Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts { .. } | Self::TooManyDeliveries { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Csrf
            | Self::Forbidden { .. }
            | Self::ForbiddenThere { .. }
            | Self::PasswordChangeNeeded => StatusCode::FORBIDDEN,
            Self::NameTaken
            | Self::Stale { .. }
            | Self::RoleInUse { .. }
            | Self::LastAdmin
            | Self::AccountTaken { .. }
            | Self::OutsideUser
            | Self::NoUsers => StatusCode::CONFLICT,
            Self::DirectoryUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::WeakPassword(_)
            | Self::TooStrongToken { .. }
            | Self::UnknownRole { .. }
            | Self::UnknownUser { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    pub(super) fn detail(&self, lang: Lang) -> String {
        match self {
            Self::SignedOut => either(
                lang,
                "sign in (POST /api/v1/session), or send a token: Authorization: Bearer hcndc_…",
                "请登录（POST /api/v1/session），或携带令牌：Authorization: Bearer hcndc_…",
            ),
            Self::WrongPassword => either(
                lang,
                "account and password do not fit, or the account is disabled",
                "账号与密码不符，或账号已停用",
            ),
            Self::BadSignature => either(
                lang,
                "there is no such webhook, or the delivery is not signed with its secret, or its time is not now",
                "没有这个 Webhook，或投递未用其密钥签名，或时间不符",
            ),
            Self::TooManyAttempts { seconds } | Self::TooManyDeliveries { seconds } => either(
                lang,
                format!("try again in {seconds} s"),
                format!("请在 {seconds} 秒后重试"),
            ),
            Self::Csrf => either(
                lang,
                "changes by cookie need the header X-CSRF-Token with the value that GET /api/v1/session tells",
                "使用 Cookie 修改时须带请求头 X-CSRF-Token，其值见 GET /api/v1/session",
            ),
            Self::Forbidden { permission } => either(
                lang,
                format!(
                    "this needs the permission \"{permission}\": ask an administrator for a role that has it"
                ),
                format!("此操作需要权限“{permission}”，请联系管理员授予含有该权限的角色"),
            ),
            Self::ForbiddenThere {
                permission,
                directory,
            } => either(
                lang,
                format!(
                    "this needs the permission \"{permission}\" in the directory {directory}: ask an administrator for a role that has it there"
                ),
                format!(
                    "此操作需要在目录 {directory} 中的权限“{permission}”，请联系管理员授予相应的角色"
                ),
            ),
            Self::PasswordChangeNeeded => either(
                lang,
                "change the password first: PUT /api/v1/session/password",
                "请先修改密码：PUT /api/v1/session/password",
            ),
            Self::WeakPassword(why) => match why {
                WeakPassword::Short => either(lang, why.to_string(), "密码至少 8 个字符"),
                WeakPassword::Long => either(lang, why.to_string(), "密码过长"),
                WeakPassword::Known => {
                    either(lang, why.to_string(), "新密码不能与账号或旧密码相同")
                }
            },
            Self::TooStrongToken { permission } => either(
                lang,
                format!(
                    "a token may do no more than whoever makes it, and \"{permission}\" is more"
                ),
                format!("令牌的权限不能超出创建者，而创建者没有“{permission}”权限"),
            ),
            Self::NameTaken => either(lang, "take another name", "请换一个名称"),
            Self::Stale { current } => either(
                lang,
                format!("it has version {current} by now: read it anew"),
                format!("当前版本为 {current}，请重新读取"),
            ),
            Self::RoleInUse { accounts } => either(
                lang,
                format!("these users have it: {}", accounts.join(", ")),
                format!("以下用户拥有该角色：{}", accounts.join("、")),
            ),
            Self::LastAdmin => either(
                lang,
                "nobody would be left who is enabled and may do \"admin\" everywhere",
                "将不再有启用且拥有不限目录的“admin”权限的用户",
            ),
            Self::UnknownRole { role } => either(
                lang,
                format!("there is no role {role}"),
                format!("没有角色 {role}"),
            ),
            Self::UnknownUser { user } => either(
                lang,
                format!("there is no user {user}"),
                format!("没有用户 {user}"),
            ),
            Self::DirectoryUnavailable => either(
                lang,
                "the directory that checks passwords does not answer; the server's log says why. Local accounts sign in without it",
                "负责校验密码的目录服务没有响应，原因见服务日志；本地账号不受影响",
            ),
            Self::AccountTaken { account } => either(
                lang,
                format!(
                    "the account {account} is somebody else's here: an administrator has to rename it, or to say that it is yours"
                ),
                format!("账号 {account} 在此处属于他人：请管理员将其改名，或确认其归您所有"),
            ),
            Self::OutsideUser => either(
                lang,
                "the directory or the provider that vouches for this user checks its password: change it there",
                "该用户的密码由目录服务或身份提供方校验：请在那里修改",
            ),
            Self::NoUsers => either(lang, "this server keeps no users", "本服务器不保存用户"),
        }
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let unavailable = matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Fenced
        );
        let denial = match error {
            AccountsError::NameTaken => Denial::NameTaken,
            AccountsError::Stale { current } => Denial::Stale { current },
            AccountsError::UnknownRole {
                role: RoleId(role), ..
            } => Denial::UnknownRole {
                role: role.to_string(),
            },
            AccountsError::UnknownRoleName { role, .. } => Denial::UnknownRole { role },
            AccountsError::InUse { accounts } => Denial::RoleInUse { accounts },
            AccountsError::LastAdmin => Denial::LastAdmin,
            AccountsError::Outside => Denial::OutsideUser,
            other => {
                let error = with_causes(&other);
                return if unavailable {
                    tracing::warn!(error, "the accounts do not answer");
                    Self::StoreUnavailable
                } else {
                    tracing::error!(error, "the accounts cannot be read or written");
                    Self::Internal
                };
            }
        };
        denial.into()
    }
}

/// A wait as a header tells it: whole seconds, and never too early.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Denial::WrongPassword.into(),
            SignInError::Throttled { wait } => {
                let seconds = whole_seconds(wait);
                Denial::TooManyAttempts { seconds }.into()
            }
            SignInError::Unwelcome(Unwelcome::Taken { account }) => {
                Denial::AccountTaken { account }.into()
            }
            SignInError::Unwelcome(_) => Denial::WrongPassword.into(),
            SignInError::Directory(error) => {
                let error = with_causes(&error);
                tracing::error!(error, "nobody of the directory can sign in");
                Denial::DirectoryUnavailable.into()
            }
            SignInError::Accounts(error) => error.into(),
            SignInError::Password(_) | SignInError::Randomness(_) => {
                let error = with_causes(&error);
                tracing::error!(error, "nobody can sign in");
                Self::Internal
            }
        }
    }
}

//! What of a first HCNDC is not, or not as it was.

use crate::interchange::Lang;

/// Something to know about a row, or about the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldNote {
    /// The table and the row's number; `None` for the whole.
    pub row: Option<(&'static str, i64)>,
    /// What the row is called now, or was called; may be empty.
    pub name: String,
    /// What there is to know.
    pub matter: OldMatter,
}

impl OldNote {
    /// With the row, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let message = self.matter.message(lang);
        let colon = match lang {
            Lang::En => ": ",
            Lang::Zh => "：",
        };
        match (self.row, self.name.as_str()) {
            (None, _) => message,
            (Some((table, id)), "") => format!("{table} {id}{colon}{message}"),
            (Some((table, id)), name) => format!("{table} {id} {name}{colon}{message}"),
        }
    }
}

/// What there is to know. What is named and what it means stands in [`message`](Self::message).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the messages name")]
pub enum OldMatter {
    /// Times are read in this zone.
    Zone { zone: String },
    /// A table that this version of the database has not.
    NoTable { table: String },
    /// Past executions are not read.
    History,
    /// Last data dates of flows.
    DataDates { flows: usize },
    /// Directories of jobs that are not those of their flows.
    JobDirectories { jobs: usize },
    /// How `$date` is written.
    DateFormat { format: String },
    /// In which form passwords stood.
    Passwords {
        table: String,
        encoded: usize,
        plain: usize,
    },
    /// Users who cannot sign in yet.
    NoPasswords { users: usize },
    /// Users and roles were not wanted.
    NoAccounts,
    /// What a permission meant.
    Executors,
    /// It could not keep its name.
    Renamed { was: String },
    /// It belongs to a flow that is not there.
    NoFlow { flow: i64 },
    /// A tie to a job that is not there.
    NoJob { job: i64 },
    /// A job's param that is not there.
    NoParam { param: i64 },
    /// It depends on itself.
    OwnTie,
    /// A tie that stands twice.
    Twice,
    /// A circle of what waited for each other.
    Circle { stations: Vec<String> },
    /// A dependency on a job of another flow.
    Outside { job: String },
    /// A dependency on a job of another flow that would make a circle.
    OutsideCircle { job: String },
    /// More dependencies on jobs of other flows than a job may have.
    TooManyOutside { job: String },
    /// Retries out of range.
    Retries { found: i64 },
    /// An executor that is not there.
    NoExecutor,
    /// Two executors on one host.
    SameHost { host: String },
    /// A host that can be none.
    BadHost { host: String },
    /// Text that looks like a placeholder.
    Braces,
    /// A job without a command.
    EmptyCommand,
    /// A folder of Windows.
    Windows { folder: String },
    /// A success code that no command ends with.
    SuccessCode { code: i64 },
    /// Params that the shell took apart.
    PartedParams,
    /// A param's value with commas.
    Comma,
    /// A query without its data source.
    NoSource { source: i64 },
    /// A param without its query.
    EmptyQuery,
    /// A param that had no value.
    UnknownParam { kind: i64, value: String },
    /// A system that not every program can ask.
    Unasked { kind: String },
    /// Times that mean nothing.
    Cron { expression: String, reason: String },
    /// A schedule that the first HCNDC never fired.
    Weekday { value: String },
    /// Numbers that the page called weekdays.
    Week {
        value: String,
        as_weekday: Option<String>,
    },
    /// An alert of a schedule that is not there.
    NoSchedule { schedule: i64 },
    /// An alert that has nowhere to go.
    NoConfig { config: i64 },
    /// An alert of an unknown type.
    UnknownAlert { kind: i64 },
    /// A channel of an unknown type.
    UnknownChannel { kind: i64 },
    /// A mail to nobody.
    NobodyTold,
    /// A mail that cannot be sent.
    BadMail {
        host: String,
        from: String,
        to: String,
    },
    /// A robot that has no address.
    BadRobot,
    /// A file server of an unknown type.
    UnknownServer { kind: i64 },
    /// The key of an SFTP server is not known.
    HostKey,
    /// A file event without its server.
    NoServer { server: i64 },
    /// A path that can be none.
    BadPath { path: String },
    /// A path that is a glob here.
    Glob { path: String },
    /// An interval out of range.
    Interval { minutes: i64 },
    /// A window that is none.
    Hours { from: String, to: String },
    /// A file event that starts nothing.
    NoFlows,
    /// A user's role that is not there.
    NoRole { role: i64 },
    /// A role's permission that is not there.
    NoPrivilege { privilege: i64 },
    /// A permission without a counterpart.
    UnknownPermission { permission: String },
    /// The account that each server has.
    AdminStays,
}

impl OldMatter {
    /// A stable name of the kind of matter, in kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Zone { .. } => "zone",
            Self::NoTable { .. } => "no-table",
            Self::History => "history",
            Self::DataDates { .. } => "data-dates",
            Self::JobDirectories { .. } => "job-directories",
            Self::DateFormat { .. } => "date-format",
            Self::Passwords { .. } => "passwords",
            Self::NoPasswords { .. } => "no-passwords",
            Self::NoAccounts => "no-accounts",
            Self::Executors => "admin-for-executors",
            Self::Renamed { .. } => "renamed",
            Self::NoFlow { .. } => "no-flow",
            Self::NoJob { .. } => "no-job",
            Self::NoParam { .. } => "no-param",
            Self::OwnTie => "own-tie",
            Self::Twice => "twice",
            Self::Circle { .. } => "circle",
            Self::Outside { .. } => "outside",
            Self::OutsideCircle { .. } => "outside-circle",
            Self::TooManyOutside { .. } => "too-many-outside",
            Self::Retries { .. } => "retries",
            Self::NoExecutor => "no-executor",
            Self::SameHost { .. } => "same-host",
            Self::BadHost { .. } => "bad-host",
            Self::Braces => "braces",
            Self::EmptyCommand => "empty-command",
            Self::Windows { .. } => "windows",
            Self::SuccessCode { .. } => "success-code",
            Self::PartedParams => "parted-params",
            Self::Comma => "comma",
            Self::NoSource { .. } => "no-source",
            Self::EmptyQuery => "empty-query",
            Self::UnknownParam { .. } => "unknown-param",
            Self::Unasked { .. } => "unasked",
            Self::Cron { .. } => "cron",
            Self::Weekday { .. } => "weekday",
            Self::Week { .. } => "week",
            Self::NoSchedule { .. } => "no-schedule",
            Self::NoConfig { .. } => "no-config",
            Self::UnknownAlert { .. } => "unknown-alert",
            Self::UnknownChannel { .. } => "unknown-channel",
            Self::NobodyTold => "nobody-told",
            Self::BadMail { .. } => "bad-mail",
            Self::BadRobot => "bad-robot",
            Self::UnknownServer { .. } => "unknown-server",
            Self::HostKey => "host-key",
            Self::NoServer { .. } => "no-server",
            Self::BadPath { .. } => "bad-path",
            Self::Glob { .. } => "glob",
            Self::Interval { .. } => "interval",
            Self::Hours { .. } => "hours",
            Self::NoFlows => "no-flows",
            Self::NoRole { .. } => "no-role",
            Self::NoPrivilege { .. } => "no-privilege",
            Self::UnknownPermission { .. } => "unknown-permission",
            Self::AdminStays => "admin-stays",
        }
    }

    /// What it means, and what to do, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::Zh => self.chinese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::Zone { zone } => format!(
                "schedules and dates go by {zone}; the first HCNDC went by the clock of its server: give another with --zone if that was set otherwise"
            ),
            Self::NoTable { table } => format!(
                "the database has no table {table}: it is of an earlier version, and there is nothing of that kind to carry over"
            ),
            Self::History => "executions and their logs stay where they are: the first run of each flow is its first here".to_owned(),
            Self::DataDates { flows } => format!(
                "data dates of {flows} flows are not carried over: a flow's data date is the last one that it succeeded for here"
            ),
            Self::JobDirectories { jobs } => format!(
                "directories of {jobs} jobs are not carried over: a job lies where its flow does"
            ),
            Self::DateFormat { format } => format!(
                "`$date` is the data date as `{format}`, the day before by default; earlier versions wrote `%Y-%m-%d`: see --date-format"
            ),
            Self::Passwords { table, encoded, plain } => format!(
                "{table}: {encoded} passwords were written in Base64 and are carried over decoded, {plain} as they stood; test each connection"
            ),
            Self::NoPasswords { users } => format!(
                "{users} users come without a password, for theirs were MD5: give each a new one with `hcndc user password ACCOUNT`"
            ),
            Self::NoAccounts => "users and roles were not asked for".to_owned(),
            Self::Executors => "`write` covered executors and alert configurations; executors now take `admin`, which no role was given".to_owned(),
            Self::Renamed { was } => format!(
                "it was called {was:?}"
            ),
            Self::NoFlow { flow } => format!(
                "its flow {flow} is not there, or deleted; left out"
            ),
            Self::NoJob { job } => format!(
                "job {job} is not there, or deleted; this tie is left out"
            ),
            Self::NoParam { param } => format!(
                "param {param} is not there, or deleted: it put nothing behind the command, and is left out"
            ),
            Self::OwnTie => "it depends on itself; this tie is left out".to_owned(),
            Self::Twice => "the same tie stands twice; the second is left out".to_owned(),
            Self::Circle { stations } => format!(
                "a circle, in which nothing ever ran: {}; one tie of it is left out, and all that stands in it is switched off",
                stations.join(", ")
            ),
            Self::Outside { job } => format!(
                "it waits for {job} of another flow now, for the same data date; the first HCNDC drew this dependency and did not wait: delete it if that is wanted"
            ),
            Self::OutsideCircle { job } => format!(
                "its dependency on {job} of another flow is left out: it would make a circle, which went unnoticed because the first HCNDC did not wait for it"
            ),
            Self::TooManyOutside { job } => format!(
                "its dependency on {job} of another flow is left out: a job has 64 of them at most"
            ),
            Self::Retries { found } => format!(
                "it had {found} retries; 0 to 100 are possible, the nearest was taken"
            ),
            Self::NoExecutor => "jobs name this executor, and it is not there, or deleted: their runs failed, and here they wait; it stands there switched off, for you to give it an address or its jobs another one".to_owned(),
            Self::SameHost { host } => format!(
                "another row has the same host {host}: both are this executor"
            ),
            Self::BadHost { host } => format!(
                "{host:?} can be no host; it stands there switched off, for you to give it an address"
            ),
            Self::Braces => "its command or folder has what would be a placeholder here; it is written with `$${`, so that the shell gets it as before".to_owned(),
            Self::EmptyCommand => "it has no command; it does nothing and succeeds, as before".to_owned(),
            Self::Windows { folder } => format!(
                "its folder {folder} is one of Windows, where no executor runs; give it another"
            ),
            Self::SuccessCode { code } => format!(
                "no command ends with {code}, so it never succeeded; its success code is 0 now"
            ),
            Self::PartedParams => "its params have blanks or signs that the shell took apart; it runs by `eval`, so that it still does".to_owned(),
            Self::Comma => "its value has commas, at which some versions parted it; it is handed over whole".to_owned(),
            Self::NoSource { source } => format!(
                "its data source {source} is not there, or deleted: jobs that take it failed, and do; a data source of that name stands there to be filled in"
            ),
            Self::EmptyQuery => "it has no query; left out".to_owned(),
            Self::UnknownParam { kind, value } => format!(
                "{value:?} of kind {kind} put nothing behind the command; left out"
            ),
            Self::Unasked { kind } => format!(
                "{kind} is asked by a program that was built for it, Hive and Impala by a driver of ODBC that its options name (docs/CONNECTORS.md): until then jobs that take a value from it fail, and say so"
            ),
            Self::Cron { expression, reason } => format!(
                "its times {expression:?} mean nothing: {reason}; left out"
            ),
            Self::Weekday { value } => format!(
                "the first HCNDC refused the weekday {value:?} and never fired it; it fires on those days here, and is paused until you resume it"
            ),
            Self::NoSchedule { schedule } => format!(
                "its schedule {schedule} is not there, or deleted; left out"
            ),
            Self::NoConfig { config } => format!(
                "its configuration {config} is not there, deleted, or cannot be used; left out"
            ),
            Self::UnknownAlert { kind } => format!(
                "alerts of type {kind} told nobody; left out"
            ),
            Self::UnknownChannel { kind } => format!(
                "channels of type {kind} reach nobody; left out"
            ),
            Self::NobodyTold => "no alert uses it, and recipients stood with alerts; left out".to_owned(),
            Self::BadMail { host, from, to } => format!(
                "no mail can go from {from:?} to {to:?} by {host:?}; left out"
            ),
            Self::BadRobot => "the address of its robot does not begin with https://; left out".to_owned(),
            Self::UnknownServer { kind } => format!(
                "file servers of type {kind} are not known; left out"
            ),
            Self::HostKey => "nobody signs in by SFTP before the server's key is known: test it, compare the key that it shows, and set it as `host_key`".to_owned(),
            Self::NoServer { server } => format!(
                "its file server {server} is not there, or deleted; left out"
            ),
            Self::BadPath { path } => format!(
                "{path:?} can be no path here; left out"
            ),
            Self::Glob { path } => format!(
                "`*` and `?` in {path:?} stand for any text here, and stood for themselves"
            ),
            Self::Interval { minutes } => format!(
                "it was looked for every {minutes} minutes; every minute now"
            ),
            Self::Hours { from, to } => format!(
                "{from:?} to {to:?} is no part of a day; it is watched all day"
            ),
            Self::NoFlows => "it starts no flow".to_owned(),
            Self::NoRole { role } => format!(
                "role {role} is not there, or deleted; left out"
            ),
            Self::NoPrivilege { privilege } => format!(
                "permission {privilege} is not there, or deleted; left out"
            ),
            Self::UnknownPermission { permission } => format!(
                "{permission:?} allows nothing here; left out"
            ),
            Self::AdminStays => "the server's own `admin` stays as it is".to_owned(),
            Self::Week { value, as_weekday } => {
                let told = format!(
                    "its `week` is {value:?}, by which the first HCNDC fired it in weeks of the year, and so does this; its page called that a weekday"
                );
                match as_weekday {
                    Some(days) => format!("{told}: write day_of_week='{days}' if that was meant"),
                    None => told,
                }
            }
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Zone { zone } => format!(
                "调度和日期按 {zone} 计算；旧系统按其服务器的时区：若有不同，请用 --zone 指定"
            ),
            Self::NoTable { table } => format!(
                "数据库没有表 {table}：属于较早的版本，没有这类内容可导入"
            ),
            Self::History => "执行记录和日志不导入：各任务流在此的第一次执行就是第一条记录".to_owned(),
            Self::DataDates { flows } => format!(
                "{flows} 个任务流的数据日期未导入：任务流的数据日期是它在此最近成功的日期"
            ),
            Self::JobDirectories { jobs } => format!(
                "{jobs} 个任务的目录未导入：任务与所属任务流在同一目录"
            ),
            Self::DateFormat { format } => format!(
                "`$date` 为按 `{format}` 书写的数据日期，默认为前一天；较早版本写作 `%Y-%m-%d`：见 --date-format"
            ),
            Self::Passwords { table, encoded, plain } => format!(
                "{table}：{encoded} 个密码以 Base64 保存，已解码导入，{plain} 个原样导入；请逐个测试连接"
            ),
            Self::NoPasswords { users } => format!(
                "{users} 个用户没有密码（原密码为 MD5，不予沿用）：请用 `hcndc user password ACCOUNT` 逐个设置"
            ),
            Self::NoAccounts => "未要求导入用户和角色".to_owned(),
            Self::Executors => "原 `write` 权限包括执行服务器和预警配置；现在修改执行服务器需要 `admin`，未授予任何角色".to_owned(),
            Self::Renamed { was } => format!(
                "原名称为 {was:?}"
            ),
            Self::NoFlow { flow } => format!(
                "所属任务流 {flow} 不存在或已删除；未导入"
            ),
            Self::NoJob { job } => format!(
                "任务 {job} 不存在或已删除；该关联未导入"
            ),
            Self::NoParam { param } => format!(
                "参数 {param} 不存在或已删除：原本就不会附加到命令后，未导入"
            ),
            Self::OwnTie => "依赖自身；该依赖未导入".to_owned(),
            Self::Twice => "同一关联出现两次；第二个未导入".to_owned(),
            Self::Circle { stations } => format!(
                "循环依赖，其中的内容从未运行过：{}；其中一个依赖未导入，循环中的全部内容已停用",
                stations.join("、")
            ),
            Self::Outside { job } => format!(
                "现在会等待另一任务流的 {job}（同一数据日期）；旧系统只画出该依赖而不等待：若要保持不等待，请删除该依赖"
            ),
            Self::OutsideCircle { job } => format!(
                "对另一任务流的 {job} 的依赖未导入：会形成循环；旧系统不等待这类依赖，所以未被发现"
            ),
            Self::TooManyOutside { job } => format!(
                "对另一任务流的 {job} 的依赖未导入：一个任务最多有 64 个这类依赖"
            ),
            Self::Retries { found } => format!(
                "原重试次数为 {found}；允许 0 到 100，已取最接近的值"
            ),
            Self::NoExecutor => "有任务使用该执行服务器，但它不存在或已删除：原本会失败，在此会等待；它以停用状态导入，请给它地址，或给任务换一个执行服务器".to_owned(),
            Self::SameHost { host } => format!(
                "另一行的主机也是 {host}：两者为同一执行服务器"
            ),
            Self::BadHost { host } => format!(
                "{host:?} 不能作为主机；已停用，请给它地址"
            ),
            Self::Braces => "命令或目录中有在此会被当作占位符的内容；已写成 `$${`，与原来一样交给 shell".to_owned(),
            Self::EmptyCommand => "没有命令；与原来一样什么也不做并成功".to_owned(),
            Self::Windows { folder } => format!(
                "目录 {folder} 是 Windows 目录，执行服务器不在 Windows 上运行；请修改"
            ),
            Self::SuccessCode { code } => format!(
                "没有命令会以 {code} 结束，所以它从未成功；成功返回码改为 0"
            ),
            Self::PartedParams => "其参数含有由 shell 拆分的空格或符号；改由 `eval` 运行，效果不变".to_owned(),
            Self::Comma => "其值含逗号，某些版本会在逗号处拆开；现在整体传递".to_owned(),
            Self::NoSource { source } => format!(
                "数据源 {source} 不存在或已删除：使用它的任务原本失败，现在也会失败；已放置一个待填写的数据源"
            ),
            Self::EmptyQuery => "没有查询；未导入".to_owned(),
            Self::UnknownParam { kind, value } => format!(
                "类型 {kind} 的 {value:?} 原本不会附加到命令后；未导入"
            ),
            Self::Unasked { kind } => format!(
                "查询 {kind} 须使用编译时启用了相应特性的程序，Hive 和 Impala 还须在选项中指定 ODBC 驱动（docs/CONNECTORS.zh-CN.md）；此前从中取值的任务会失败并说明原因"
            ),
            Self::Cron { expression, reason } => format!(
                "其时间 {expression:?} 无效：{reason}；未导入"
            ),
            Self::Weekday { value } => format!(
                "旧系统不接受星期 {value:?}，从未触发过；在此会按这些日子触发，现为暂停状态，需要时请恢复"
            ),
            Self::NoSchedule { schedule } => format!(
                "调度 {schedule} 不存在或已删除；未导入"
            ),
            Self::NoConfig { config } => format!(
                "预警配置 {config} 不存在、已删除或不可用；未导入"
            ),
            Self::UnknownAlert { kind } => format!(
                "类型为 {kind} 的预警不会通知任何人；未导入"
            ),
            Self::UnknownChannel { kind } => format!(
                "类型为 {kind} 的预警渠道无法通知任何人；未导入"
            ),
            Self::NobodyTold => "没有预警使用它，而收件人写在预警中；未导入".to_owned(),
            Self::BadMail { host, from, to } => format!(
                "无法由 {host:?} 从 {from:?} 发邮件给 {to:?}；未导入"
            ),
            Self::BadRobot => "机器人地址不以 https:// 开头；未导入".to_owned(),
            Self::UnknownServer { kind } => format!(
                "未知的文件服务器类型 {kind}；未导入"
            ),
            Self::HostKey => "在知道服务器密钥之前不会以 SFTP 登录：请测试、核对显示的密钥，并设为 `host_key`".to_owned(),
            Self::NoServer { server } => format!(
                "文件服务器 {server} 不存在或已删除；未导入"
            ),
            Self::BadPath { path } => format!(
                "{path:?} 不能作为路径；未导入"
            ),
            Self::Glob { path } => format!(
                "{path:?} 中的 `*` 和 `?` 在此代表任意文本，原来代表自身"
            ),
            Self::Interval { minutes } => format!(
                "原检查间隔为 {minutes} 分钟；改为每分钟"
            ),
            Self::Hours { from, to } => format!(
                "{from:?} 到 {to:?} 不是一天中的时段；改为全天"
            ),
            Self::NoFlows => "不启动任何任务流".to_owned(),
            Self::NoRole { role } => format!(
                "角色 {role} 不存在或已删除；未导入"
            ),
            Self::NoPrivilege { privilege } => format!(
                "权限 {privilege} 不存在或已删除；未导入"
            ),
            Self::UnknownPermission { permission } => format!(
                "{permission:?} 在此没有对应的权限；未导入"
            ),
            Self::AdminStays => "服务自己的 `admin` 保持不变".to_owned(),
            Self::Week { value, as_weekday } => {
                let told = format!(
                    "其 `week` 为 {value:?}，旧系统按一年中的第几周触发，此处相同；而页面上称为星期"
                );
                match as_weekday {
                    Some(days) => format!("{told}：若本意是星期，请写 day_of_week='{days}'"),
                    None => told,
                }
            }
        }
    }
}

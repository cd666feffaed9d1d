//! Help in Chinese. The English help stands on the arguments themselves; a test sees to it that none lacks its translation.

mod remote;

use clap::{Arg, ArgAction, Command};

/// What a command does, by its path.
const ABOUT: &[(&str, &str)] = &[
    (
        "hcndc",
        "调度任务网：任务流由任务组成，任务流内部、任务流之间、不同任务流的任务之间都可以有依赖",
    ),
    ("hcndc run", "在终端中把一个网状文件运行到结束"),
    ("hcndc validate", "检查网状文件，列出全部错误"),
    (
        "hcndc import",
        "把网状文件或表格导入服务的数据库，或把其他系统的文件转换成网状文件",
    ),
    (
        "hcndc export",
        "把服务数据库中的定义、角色和用户写成网状文件，或把任务流、任务写成表格",
    ),
    (
        "hcndc import wfcommons",
        "导入 WfCommons 项目记录的工作流（WfFormat 1.5）：每个任务变成按实测时长的 sleep",
    ),
    (
        "hcndc import azkaban",
        "导入 Azkaban 的项目（Flow 1.0 或 2.0）；没有对应写法的内容会逐条说明",
    ),
    (
        "hcndc import crontab",
        "导入 crontab：每行成为一个带调度的任务流；没有对应写法的内容会逐条说明",
    ),
    (
        "hcndc import old-hcndc",
        "导入旧版 HCNDC 的数据库：任务流、任务、调度及其全部定义；没有导入或与原来不同的内容会逐条说明",
    ),
    ("hcndc schema", "输出网状文件的 JSON schema"),
    (
        "hcndc simulate",
        "预测网状文件在若干天内的运行情况，不实际运行任何任务",
    ),
    (
        "hcndc cron",
        "cron 表达式的触发时间、含义和可能出人意料之处",
    ),
    ("hcndc cron next", "输出之后的触发时间，每行一个，带时差"),
    ("hcndc cron prev", "输出之前的触发时间，每行一个，由近及远"),
    ("hcndc cron explain", "用一句话说明表达式的含义"),
    (
        "hcndc cron lint",
        "列出一年中因调钟而跳过或出现两次的触发时间，以及容易误解的写法",
    ),
    ("hcndc serve", "运行服务：调度器、执行器和 REST API"),
    ("hcndc db", "维护数据库"),
    (
        "hcndc db status",
        "数据库的状况：版本、迁移、行数、大小，以及由谁调度",
    ),
    (
        "hcndc db migrate",
        "把表结构更新到最新，与下次启动服务时相同",
    ),
    (
        "hcndc db check",
        "找出一切会使服务无法启动、或日后会出问题的地方",
    ),
    ("hcndc db prune", "删除足够旧的历史，与服务自动进行的相同"),
    ("hcndc db backup", "在服务运行时复制 SQLite 数据库"),
    ("hcndc db restore", "用备份替换服务的 SQLite 数据库"),
    (
        "hcndc db rekey",
        "用新密钥重新加密数据源、文件服务器、预警配置和 Webhook 的密码，并忘记旧密钥；须先停止服务，之后用新的密钥文件启动",
    ),
    (
        "hcndc db renew",
        "在服务启动之前，使由转储恢复的数据库成为独立的数据库",
    ),
    (
        "hcndc user",
        "管理用户：在服务所在主机上，或用 --server 通过其 API",
    ),
    ("hcndc user list", "列出用户及其角色"),
    ("hcndc user create", "创建用户，并输出一次性密码"),
    (
        "hcndc user password",
        "为用户设置新密码，未给出时输出一次性密码；其会话随即结束",
    ),
    ("hcndc user roles", "设置用户的角色，取代原有角色"),
    (
        "hcndc user disable",
        "停用用户：会话随即结束，其令牌不再有效",
    ),
    ("hcndc user enable", "重新启用用户"),
    ("hcndc user delete", "删除用户及其会话和令牌"),
    (
        "hcndc user check",
        "向目录服务查询某人并说明结果，不作任何改动",
    ),
    (
        "hcndc role",
        "管理角色：在服务所在主机上，或用 --server 通过其 API",
    ),
    ("hcndc role list", "列出角色及其权限"),
    ("hcndc role create", "创建角色"),
    ("hcndc role delete", "删除没有用户使用的角色"),
    (
        "hcndc token",
        "管理程序使用的令牌：在服务所在主机上，或用 --server 通过其 API",
    ),
    (
        "hcndc token list",
        "列出令牌：所属账号、用途、到期和最近使用时间",
    ),
    ("hcndc token create", "创建令牌并输出，只显示一次"),
    ("hcndc token revoke", "立即作废令牌"),
    ("hcndc replay", "回放服务的录制，并说明结果是否一致"),
    ("hcndc demo", "运行服务，并加载、启动示例任务网"),
];

/// What an argument means, by its name; the same name means the same everywhere, but for those with a path before it.
const ARGUMENTS: &[(&str, &str)] = &[
    (
        "lang",
        "消息的语言；默认由 HCNDC_LANG、LC_ALL、LC_MESSAGES 或 LANG 决定",
    ),
    ("crontab", "crontab 文件，即 `crontab -l` 的输出"),
    (
        "system",
        "每行都写有运行用户，如 /etc/crontab 和 /etc/cron.d 中的文件",
    ),
    ("hcndc import crontab zone", "crontab 所在主机的时区"),
    (
        "hcndc import old-hcndc from",
        "旧版 HCNDC 的数据库：mysql://用户@主机:端口/库名；只读取。请不要在此写密码，否则所有人都能看到",
    ),
    (
        "password_file",
        "文件，其第一行为该用户的密码；默认取环境变量 HCNDC_OLD_PASSWORD",
    ),
    (
        "hcndc import old-hcndc zone",
        "旧版 HCNDC 服务器的时区，其调度以此为准",
    ),
    (
        "executor_port",
        "原执行服务器主机上 hcndc-exec 监听的端口，数据库中没有",
    ),
    (
        "hcndc import old-hcndc date_format",
        "任务得到的 `$date` 的写法（strftime）：较新版本为 %Y%m%d，较早版本为 %Y-%m-%d",
    ),
    (
        "hcndc import old-hcndc without_accounts",
        "不导入用户和角色",
    ),
    (
        "hcndc import old-hcndc output",
        "网状文件写到哪里；默认为标准输出，除非用 --server 直接交给服务",
    ),
    (
        "hcndc import old-hcndc with_passwords",
        "含数据源、文件服务器和预警配置的明文密码：文件用后请尽快删除",
    ),
    (
        "hcndc import old-hcndc plan",
        "只逐个字段说明将做什么：+ 为新建，~ 为修改",
    ),
    (
        "hcndc import old-hcndc json",
        "以 JSON 输出报告，以及做了或将做什么",
    ),
    (
        "hcndc import mesh",
        "网状文件；或任务流、任务的表格：csv、xlsx 或 xls",
    ),
    (
        "hcndc import sheet",
        "把文件作为这种表格导入；csv、xlsx 和 xls 总是表格，种类由表头判断",
    ),
    ("mesh", "网状文件，YAML 或 JSON"),
    (
        "hcndc run date",
        "数据日期，YYYY-MM-DD；默认为文件所定时区的昨天",
    ),
    ("hcndc demo date", "示例的数据日期，YYYY-MM-DD；默认为昨天"),
    ("hcndc run set", "参数的值，优先于文件中的值；可多次给出"),
    (
        "hcndc validate set",
        "运行时将用 --set 给出的参数，命令中可以引用",
    ),
    ("hcndc simulate from", "第一天，YYYY-MM-DD，按文件所定时区"),
    ("hcndc simulate to", "最后一天"),
    (
        "hcndc export format",
        "写成什么形式：网状文件为 yaml（默认）或 json，表格为 csv（默认）或 xlsx",
    ),
    (
        "hcndc export sheet",
        "只导出任务流或任务，写成可用 `hcndc import` 导入的表格",
    ),
    ("hcndc export output", "写到哪个文件；默认为标准输出"),
    ("format", "预测结果的输出形式：table 为表格，json 为 JSON"),
    ("details", "除任务流外，也逐行列出每个任务"),
    (
        "durations",
        "各任务所需时间的 JSON 对象，例如 {\"load/orders\": \"12m\"}；优先于文件中的预期用时",
    ),
    ("otherwise", "没有任何依据的任务按这么长时间计算"),
    ("lose", "假定已失联的执行服务器；可多次给出"),
    (
        "slots",
        "文件未列出执行服务器时，本机的槽位数；默认为处理器个数",
    ),
    ("against", "另一个网状文件：如果换成它，会有哪些变动"),
    ("jobs", "同时运行的任务数上限；默认为处理器个数"),
    (
        "events",
        "把任务的每次状态变化写入该文件，每行一个 JSON 对象",
    ),
    (
        "hcndc run data_dir",
        "把数据库和日志保存在该目录；默认使用临时目录",
    ),
    ("hcndc serve data_dir", "数据库、日志和本机执行器的目录"),
    ("hcndc demo data_dir", "数据库、日志和本机执行器的目录"),
    ("data_dir", "服务的数据目录，其中有 SQLite 文件"),
    (
        "access",
        "API 的访问方式：users 为登录用户及其令牌，open 为任何能访问的人（仅限本机回环地址）；默认为 users，演示时为 open",
    ),
    (
        "token_file",
        "保存服务令牌的文件；默认取环境变量 HCNDC_TOKEN，再取设置文件",
    ),
    ("account", "账号"),
    (
        "hcndc token create account",
        "令牌所属账号，令牌的权限不超出该用户；默认在服务所在主机上为 admin，否则为自己",
    ),
    ("hcndc user create name", "姓名"),
    ("hcndc token create name", "用途"),
    ("hcndc user create role", "拥有的角色；可多次给出"),
    ("hcndc user roles role", "拥有的角色；可多次给出"),
    (
        "hcndc user create origin",
        "由谁确认其身份：本服务的密码、目录服务或身份提供方；只有第一种会产生密码",
    ),
    (
        "hcndc user check password_stdin",
        "从标准输入读取此人的密码（一行），并加以验证",
    ),
    (
        "ldap_url",
        "为非本地用户校验密码的目录服务：ldap://主机（经 StartTLS）或 ldaps://主机",
    ),
    (
        "ldap_insecure",
        "以明文向 ldap://… 发送密码；用于本机上的目录服务",
    ),
    (
        "ldap_ca",
        "PEM 文件：颁发机构的证书；除本机信任的以外，也据此信任目录服务",
    ),
    ("ldap_bind_dn", "以该名称查询目录；默认匿名"),
    (
        "ldap_bind_password_file",
        "存有该名称密码的文件；默认取环境变量 HCNDC_LDAP_BIND_PASSWORD",
    ),
    ("ldap_base", "人员所在的条目，在其下查找"),
    ("ldap_filter", "查找 {account} 所指之人的过滤器"),
    ("ldap_account_attribute", "作为此处账号的属性"),
    ("ldap_name_attribute", "人员姓名的属性"),
    ("ldap_group_attribute", "人员所属组的属性"),
    (
        "ldap_group_filter",
        "改用过滤器查找人员所属的组，可含 {dn} 或 {account}：(member={dn})",
    ),
    ("ldap_group_base", "组所在的条目；默认与人员相同"),
    (
        "ldap_role",
        "某个组给予的角色；可多次给出，在环境变量中用分号分隔",
    ),
    ("ldap_newcomers", "来自那里而在此处没有账号的人：拒绝或创建"),
    (
        "ldap_newcomer_role",
        "新来者除所属组的角色之外得到的角色；可多次给出",
    ),
    (
        "oidc_issuer",
        "让人登录的 OpenID Connect 身份提供方：其地址，须与令牌中的完全一致；它须允许跳回 BASE_URL/api/v1/session/oidc/callback",
    ),
    ("oidc_client_id", "本服务在身份提供方的客户端标识"),
    (
        "oidc_client_secret_file",
        "存有客户端密钥的文件；默认取环境变量 HCNDC_OIDC_CLIENT_SECRET，两者皆无则为公开客户端",
    ),
    ("oidc_scope", "除 openid 之外请求的范围；多个用逗号分隔"),
    ("oidc_account_claim", "作为此处账号的声明"),
    ("oidc_name_claim", "人员姓名的声明"),
    (
        "oidc_group_claim",
        "人员所属组的声明；点号进入对象内部：realm_access.roles",
    ),
    (
        "oidc_role",
        "某个组给予的角色；可多次给出，在环境变量中用分号分隔",
    ),
    ("oidc_newcomers", "来自那里而在此处没有账号的人：拒绝或创建"),
    (
        "oidc_newcomer_role",
        "新来者除所属组的角色之外得到的角色；可多次给出",
    ),
    ("oidc_label", "登录页按钮上的文字；默认为身份提供方的主机名"),
    (
        "oidc_ca",
        "PEM 文件：颁发机构的证书；除本机信任的以外，也据此信任身份提供方",
    ),
    ("role", "角色"),
    (
        "password_stdin",
        "从标准输入读取一行作为密码，而不是生成密码",
    ),
    ("description", "说明"),
    (
        "hcndc token create permission",
        "read、write、execute、schedule 或 admin；可多次给出；不给出则为自己的全部权限",
    ),
    (
        "permission",
        "read、write、execute、schedule 或 admin；可多次给出",
    ),
    ("directory", "仅限该目录及其下级；可多次给出"),
    ("days", "有效天数；0 表示永久"),
    ("token", "令牌编号，见 list"),
    ("json", "以 JSON 输出"),
    ("hcndc db backup backup", "备份文件；已存在则拒绝"),
    ("hcndc db restore backup", "备份文件；不存在则拒绝"),
    ("force", "即使已有数据库；原数据库保留在旁边"),
    ("all", "全部定义、角色和用户，写成网状文件"),
    (
        "server",
        "访问该服务，例如 http://127.0.0.1:2333；默认取环境变量 HCNDC_SERVER",
    ),
    (
        "older_than",
        "结束超过这么多天的执行，连同其全部内容，以及触发、预警和补数，都将删除；0 表示不删",
    ),
    (
        "audit_older_than",
        "超过这么多天的操作记录将删除；0 表示不删",
    ),
    (
        "keep_history",
        "执行结束后保留多少天，连同其全部内容，以及触发、预警和补数；0 表示永久",
    ),
    ("keep_audit", "操作记录保留多少天；0 表示永久"),
    ("keep_logs", "其他主机上执行器的日志保留多少天；0 表示永久"),
    ("dry_run", "只说明将做什么"),
    (
        "key_file",
        "密钥文件，用于加密数据源、文件服务器、预警配置和 Webhook 的密码；同一数据库的所有服务须用同一个；\
         默认为数据目录中的 secret.key（仅当数据库也在其中）",
    ),
    ("without_accounts", "不含角色和用户；服务只把它们交给管理员"),
    (
        "with_passwords",
        "含用户密码的哈希：请像数据库一样妥善保管该文件",
    ),
    ("base_dir", "任务的相对工作目录从该目录算起"),
    (
        "orphaned_after",
        "这么多秒内没有调度器连接且没有任务运行时，自行结束",
    ),
    (
        "executor_wait",
        "因执行服务器无法连接而没有任务可运行时，等待多少秒后放弃",
    ),
    (
        "hcndc import azkaban project",
        "项目：文件夹，或上传到 Azkaban 的 zip",
    ),
    (
        "hcndc import azkaban zone",
        "Azkaban 服务器的时区，其调度以此为准",
    ),
    ("file", "记录文件，JSON"),
    ("time_scale", "实测时长乘以该数；0 表示所有命令都是 true"),
    ("output", "网状文件写到哪里；默认为标准输出"),
    (
        "listen",
        "API 监听的地址；只能是本机回环地址，除非启用 TLS（--tls-cert）或给出 --insecure-remote",
    ),
    (
        "tls_cert",
        "PEM 文件：API 使用 TLS 的证书，其后是到颁发机构为止的中间证书；文件变化时自动重新读取",
    ),
    ("tls_key", "PEM 文件：该证书的私钥"),
    (
        "tls_ca",
        "PEM 文件：颁发机构的证书；除本机信任的以外，也据此信任 https://… 的服务",
    ),
    (
        "rate_limit",
        "每个调用者每秒可向 API 发送的请求数，一次至多十秒的量；0 表示不限",
    ),
    (
        "database",
        "数据库：mysql://用户:密码@主机/库名 或 sqlite://文件?mode=rwc；默认为数据目录中的 SQLite 文件",
    ),
    (
        "advertise",
        "同一数据库上的其他服务器访问本机 API 的地址：http://主机:端口 或 https://主机:端口；默认为 --listen 的地址",
    ),
    (
        "base_url",
        "人们访问页面的地址：https://hcndc.example.com，预警中的链接用它；默认为告知其他服务器的地址",
    ),
    (
        "alert_lang",
        "预警配置未指明语言时的语言：zh 或 en；默认与本命令相同",
    ),
    (
        "log_dir",
        "存放完整日志的目录，同一数据库上的服务器可共用；默认在数据目录中",
    ),
    (
        "log_store",
        "长期保存完整日志的对象存储：s3://桶/目录、gs://… 或 az://…；访问身份取自环境变量（AWS_…、GOOGLE_…、AZURE_…）",
    ),
    (
        "forward_logs",
        "任务结束后把日志逐行转发到这些地址：fluentd://主机:24224?tag=标签、fluentds://…、otlp+http://主机:4318 或 otlp+https://…（请求头取自 OTEL_EXPORTER_OTLP_HEADERS）；多个用逗号分隔",
    ),
    (
        "traces_to",
        "OpenTelemetry 收集端，每个执行结束后向其发送一条追踪：http://主机:4318 或 https://…（OTLP over HTTP；请求头取自 OTEL_EXPORTER_OTLP_HEADERS）；任务会得到 TRACEPARENT",
    ),
    (
        "lineage_to",
        "OpenLineage 接收端，每个执行结束后向其发送执行及各次尝试的事件：http://主机:5000 或 https://…（密钥取自 OPENLINEAGE_API_KEY）",
    ),
    ("lineage_namespace", "任务在 OpenLineage 中的命名空间"),
    (
        "no_executor",
        "本机不运行执行器；多台服务器共用一个数据库时必须如此",
    ),
    ("slots", "新建本机执行器时的槽位数；默认为处理器个数的两倍"),
    ("max_running", "所有执行器合计同时运行的任务数上限"),
    ("zone", "启动时未给数据日期时，由该时区决定“昨天”是哪天"),
    (
        "record",
        "把进入调度器的全部输入录制到该目录的文件中，供 hcndc replay 回放",
    ),
    (
        "record_limit",
        "录制文件合计保留多少 MiB；超出时删除最旧的，最新的总是完整保留",
    ),
    ("path", "录制文件，或其所在目录"),
    ("until", "回放到这一时刻为止，RFC 3339 格式"),
    ("steps", "逐条输出输入及其结果"),
    (
        "explain",
        "最后说明该任务执行为何处于其状态，JSON；任务执行以编号指定",
    ),
    (
        "insecure_remote",
        "监听回环以外的地址，尽管密码和令牌在传输中不加密；用于有代理或防火墙保护的网络",
    ),
    ("expression", "cron 表达式，作为一个参数给出"),
    (
        "dialect",
        "表达式的语法：unix（5 个字段，或前面加秒共 6 个）、quartz、apscheduler",
    ),
    ("tz", "IANA 时区名，如 Asia/Shanghai"),
    ("after", "从这一时刻之后算起，RFC 3339 格式；默认为现在"),
    ("before", "从这一时刻之前算起，RFC 3339 格式；默认为现在"),
    ("count", "最多输出多少个时间"),
    ("year", "检查哪一年；默认为今年"),
    ("exit", "示例结束后退出，只有成功时退出码为 0"),
];

/// The command with all of its help in Chinese.
pub(super) fn translate(command: Command) -> Command {
    let path = command.get_name().to_owned();
    under(command, &path)
}

fn under(mut command: Command, path: &str) -> Command {
    if let Some(about) = find_about(path) {
        command = command.about(about).long_about(None::<&str>);
    }
    if let Some(end) = command.get_after_help() {
        let ends = remote::ENDS.iter();
        let end = ends.fold(end.to_string(), |end, (en, zh)| end.replace(en, zh));
        command = command.after_help(end);
    }
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |sub| under(sub, &path));
    }
    command
        .mut_args(|arg| argument(arg, path))
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("显示版本")
                .help_heading("选项"),
        )
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("显示帮助")
                .help_heading("选项"),
        )
}

fn argument(arg: Arg, path: &str) -> Arg {
    let heading = if arg.is_positional() {
        "参数"
    } else {
        "选项"
    };
    match find_argument(path, arg.get_id().as_str()) {
        Some(help) => arg.help(help).long_help(None::<&str>).help_heading(heading),
        None => arg.help_heading(heading),
    }
}

fn find_about(path: &str) -> Option<&'static str> {
    let any = path.rsplit_once(' ').map(|(_, verb)| format!("* {verb}"));
    find(ABOUT, path)
        .or_else(|| find(remote::ABOUT, path))
        .or_else(|| find(remote::ABOUT, &any?))
}

/// The most special one; where a command talks to a server, its words go before those of others.
fn find_argument(path: &str, name: &str) -> Option<&'static str> {
    let whole = format!("{path} {name}");
    let any = path
        .rsplit_once(' ')
        .map(|(_, verb)| format!("* {verb} {name}"));
    let here = || find(ARGUMENTS, &whole).or_else(|| find(remote::ARGUMENTS, &whole));
    let (first, second) = match is_remote(path) {
        true => (remote::ARGUMENTS, ARGUMENTS),
        false => (ARGUMENTS, remote::ARGUMENTS),
    };
    here()
        .or_else(|| is_remote(path).then(|| find(first, &any?)).flatten())
        .or_else(|| find(first, name))
        .or_else(|| find(second, name))
}

/// Whether a command does nothing but talk to a server.
fn is_remote(path: &str) -> bool {
    let command = path.split(' ').nth(1);
    let whole = command.map(|command| format!("hcndc {command}"));
    whole.is_some_and(|whole| find(remote::ABOUT, &whole).is_some())
}

fn find(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn check(command: &Command, path: &str, missing: &mut Vec<String>) {
        if find_about(path).is_none() {
            missing.push(path.to_owned());
        }
        for arg in command.get_arguments() {
            let name = arg.get_id().as_str();
            if !matches!(name, "help" | "version") && find_argument(path, name).is_none() {
                missing.push(format!("{path} {name}"));
            }
        }
        let translated = translate(command.clone());
        let end = translated.get_after_help().map(ToString::to_string);
        let is_left = |end: String| end.contains("Examples") || end.contains("xit code");
        if end.is_some_and(is_left) {
            missing.push(format!("{path}: the end"));
        }
        for sub in command.get_subcommands() {
            check(sub, &format!("{path} {}", sub.get_name()), missing);
        }
    }

    #[test]
    fn everything_has_its_chinese_help() {
        let mut missing = Vec::new();
        check(&Cli::command(), "hcndc", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn the_translated_command_is_sound() {
        translate(Cli::command()).debug_assert();
    }
}

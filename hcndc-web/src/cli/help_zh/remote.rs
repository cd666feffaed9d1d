//! Help in Chinese of the commands that talk to a server.

/// What a command does, by its path; `*` stands for whatever comes before.
pub(super) const ABOUT: &[(&str, &str)] = &[
    ("hcndc flow", "服务上的任务流：列出、查看、运行、停用、删除"),
    ("hcndc flow list", "列出任务流"),
    ("hcndc flow run", "立即运行任务流，或只运行其中一些任务"),
    (
        "hcndc job",
        "服务上的任务：列出、查看、单独运行、停用、删除",
    ),
    ("hcndc job list", "列出任务"),
    (
        "hcndc job preview",
        "说明为某个日期运行任务时发给执行服务器的内容，参数均已代入；不实际运行",
    ),
    ("hcndc job run", "立即单独运行任务，不运行其依赖"),
    (
        "hcndc job-run",
        "服务上的任务执行：列出一次执行的全部任务执行，查看其中一个",
    ),
    ("hcndc job-run list", "列出执行中的任务执行及各自的状态"),
    (
        "hcndc job-run show",
        "查看任务执行：状态、输出的值及各次尝试",
    ),
    (
        "hcndc schedule",
        "服务上的调度：列出、查看、立即运行、暂停、后续时间、说明",
    ),
    ("hcndc schedule list", "列出调度及其下次时间"),
    ("hcndc schedule run", "在调度时间之外立即运行"),
    ("hcndc schedule pause", "暂停调度，直到恢复"),
    (
        "hcndc schedule resume",
        "恢复调度；暂停期间错过的触发将被跳过",
    ),
    ("hcndc schedule next", "后续触发时间及各自的数据日期"),
    (
        "hcndc schedule explain",
        "说明调度现在为何不触发，以及上次触发的结果",
    ),
    ("hcndc schedule firings", "列出各次触发的结果，最新的在前"),
    (
        "hcndc execution",
        "服务上的执行：启动、跟踪、日志、停止、继续、重跑、说明",
    ),
    ("hcndc execution list", "列出执行，最新的在前"),
    ("hcndc execution show", "查看执行：状态及其任务流"),
    ("hcndc execution jobs", "列出执行中的任务及各自的状态"),
    (
        "hcndc execution start",
        "启动一些任务流或任务，都在同一次执行中",
    ),
    ("hcndc execution watch", "跟踪执行到结束"),
    ("hcndc execution logs", "输出执行中任务的日志"),
    ("hcndc execution stop", "终止正在运行的任务，结束执行"),
    (
        "hcndc execution pause",
        "让正在运行的任务结束，不再启动新的",
    ),
    ("hcndc execution unpause", "让已暂停的执行继续"),
    (
        "hcndc execution resume",
        "从中断处继续失败或已停止的执行；已成功的不再运行",
    ),
    ("hcndc execution rerun", "重新运行一些任务及其全部下游"),
    (
        "hcndc execution reset",
        "重新运行执行的全部任务，包括已成功的",
    ),
    ("hcndc execution skip", "把等待或失败的任务作为跳过处理"),
    (
        "hcndc execution mark-succeeded",
        "把等待或失败的任务作为成功处理",
    ),
    ("hcndc execution kill", "终止正在运行或排队的任务，不再重试"),
    (
        "hcndc execution explain",
        "说明任务为何尚未开始，或结果如何",
    ),
    ("hcndc execution actions", "列出谁对执行做了什么"),
    (
        "hcndc backfill",
        "服务上的补数：计划、启动、跟踪、停止、继续",
    ),
    ("hcndc backfill plan", "说明补数将运行什么，不实际运行"),
    ("hcndc backfill start", "为一段数据日期逐日运行任务流"),
    ("hcndc backfill list", "列出补数，最新的在前"),
    ("hcndc backfill show", "查看补数及各日期的进度"),
    ("hcndc backfill watch", "跟踪补数到结束"),
    (
        "hcndc backfill stop",
        "停止补数正在运行的全部任务，不再开始其他日期",
    ),
    ("hcndc backfill resume", "重新开始全部未成功的日期"),
    ("hcndc alert", "服务上的预警：列出、查看、确认"),
    ("hcndc alert list", "列出预警，最新的在前"),
    (
        "hcndc alert show",
        "查看一条预警：关于什么，是否已通知，由谁处理",
    ),
    (
        "hcndc alert acknowledge",
        "确认由你处理这些预警，不再通知其他人",
    ),
    ("hcndc executor", "服务的执行服务器：列出、查看、测试、停用"),
    ("hcndc executor list", "列出执行服务器及其状况"),
    (
        "hcndc executor test",
        "询问执行服务器是谁，不可用时说明原因；退出码也表示结果",
    ),
    (
        "hcndc executor local",
        "在本机为服务运行执行器（由服务自己启动）",
    ),
    ("hcndc calendar", "服务上的日历"),
    ("hcndc pool", "服务上的资源池"),
    ("hcndc param", "服务上的共享参数"),
    ("hcndc data-source", "服务上的数据源"),
    ("hcndc file-server", "服务上的文件服务器"),
    ("hcndc file-event", "服务上的文件事件"),
    ("hcndc webhook", "服务上的 Webhook"),
    ("hcndc alert-channel", "服务上的预警配置"),
    ("hcndc alert-rule", "服务上的调度预警"),
    ("hcndc whoami", "以什么身份访问服务，有哪些权限"),
    ("hcndc completions", "输出 shell 的自动补全脚本"),
    (
        "hcndc plan",
        "逐字段说明网状文件将对服务做哪些改动，不实际改动",
    ),
    ("hcndc apply", "说明改动之后，把网状文件应用到服务"),
    ("* list", "列出全部"),
    ("* show", "查看一项的全部内容"),
    ("* uses", "列出哪些内容正在使用它，因而不能删除"),
    ("* delete", "删除，全部成功或全部不删；仍被使用时拒绝"),
    ("* enable", "启用"),
    ("* disable", "停用，不删除任何内容"),
    ("* test", "测试是否可用；退出码也表示结果"),
];

/// What an argument means, by the path and name, or the name alone; `*` stands for the part of a path before it.
pub(super) const ARGUMENTS: &[(&str, &str)] = &[
    (
        "token_file",
        "保存服务令牌的文件；默认取环境变量 HCNDC_TOKEN，再取设置文件",
    ),
    ("hcndc executor local data_dir", "执行器的账本和日志的目录"),
    ("json", "以 JSON 输出服务的应答"),
    ("hcndc plan mesh", "网状文件，YAML 或 JSON；- 表示标准输入"),
    ("hcndc apply mesh", "网状文件，YAML 或 JSON；- 表示标准输入"),
    ("hcndc plan json", "以 JSON 输出计划"),
    ("hcndc import json", "以 JSON 输出计划"),
    ("* list text", "只列出名称或说明含有该文字的"),
    ("sort", "排序字段，前加 - 为降序，例如 -id"),
    ("limit", "最多列出多少个"),
    ("all", "列出全部"),
    ("* list directory", "只列出该目录及其下级的"),
    ("enabled", "只列出已启用（true）或已停用（false）的"),
    ("paused", "只列出已暂停（true）或未暂停（false）的"),
    ("* list flow", "只列出该任务流的"),
    ("flow", "任务流，名称或编号"),
    ("flows", "任务流，名称或编号"),
    ("name", "名称或编号"),
    ("names", "名称或编号；可多个"),
    ("yes", "不询问，直接执行"),
    (
        "hcndc flow run job",
        "只运行其中这个任务，写作 任务流/任务 或编号；可多次给出",
    ),
    (
        "hcndc execution start job",
        "只运行这个任务，写作 任务流/任务 或编号；可多次给出",
    ),
    (
        "hcndc execution logs job",
        "任务，写作 任务流/任务，或任务执行的编号；不给出则为全部任务",
    ),
    ("hcndc job preview job", "任务，写作 任务流/任务 或编号"),
    (
        "hcndc job run jobs",
        "任务，写作 任务流/任务 或编号；可多个",
    ),
    (
        "hcndc execution explain jobs",
        "任务，写作 任务流/任务，或任务执行的编号；不给出则为前 20 个等待或失败的任务",
    ),
    (
        "hcndc execution skip jobs",
        "任务，写作 任务流/任务，或任务执行的编号；可多个",
    ),
    (
        "hcndc execution mark-succeeded jobs",
        "任务，写作 任务流/任务，或任务执行的编号；可多个",
    ),
    (
        "hcndc execution kill jobs",
        "任务，写作 任务流/任务，或任务执行的编号；可多个",
    ),
    ("* test date", "共享参数查询所用的数据日期"),
    (
        "date",
        "数据日期，YYYY-MM-DD；默认为服务时区的昨天，调度则为现在触发时的日期",
    ),
    (
        "date_format",
        "命令中未自带格式的日期占位符的写法（strftime）；默认为 %Y-%m-%d",
    ),
    ("set", "参数的值，优先于其他一切；可多次给出"),
    ("with_downstream", "连同全部下游任务流"),
    ("watch", "跟踪到结束；退出码表示结果"),
    (
        "key",
        "幂等键：若已用该键启动过，则不再启动，而是告知那一次",
    ),
    ("hcndc schedule next count", "多少个"),
    ("execution", "执行的编号"),
    ("executions", "执行的编号；可多个"),
    (
        "hcndc execution list state",
        "只列出这些状态的，以逗号分隔：running、paused、stopping、succeeded、failed、stopped",
    ),
    (
        "hcndc execution jobs state",
        "只列出这些状态的，以逗号分隔：blocked、queued、dispatched、running、retry_wait、succeeded、failed、killed、upstream_failed、skipped",
    ),
    (
        "hcndc job-run list state",
        "只列出这些状态的，以逗号分隔：blocked、queued、dispatched、running、retry_wait、succeeded、failed、killed、upstream_failed、skipped",
    ),
    ("job_run", "任务执行的编号"),
    (
        "hcndc backfill list state",
        "只列出这些状态的，以逗号分隔：running、stopping、succeeded、failed、stopped",
    ),
    ("hcndc execution list from", "只列出该数据日期及以后的"),
    ("hcndc execution list to", "只列出该数据日期及以前的"),
    ("hcndc execution list schedule", "只列出该调度的"),
    ("hcndc execution list backfill", "只列出该补数的"),
    (
        "hcndc execution rerun from",
        "从哪个任务开始，写作 任务流/任务，或任务执行的编号；可多次给出",
    ),
    ("follow", "持续输出，直到任务或执行结束"),
    (
        "attempt",
        "第几次尝试，从 1 开始；默认为最近一次，与 --follow 同用时还包括其后的",
    ),
    ("stream", "只输出来自这里的内容"),
    ("tail", "每个任务只输出最后这么多行"),
    ("hcndc backfill plan from", "第一个数据日期，YYYY-MM-DD"),
    ("hcndc backfill start from", "第一个数据日期，YYYY-MM-DD"),
    ("to", "最后一个数据日期"),
    ("parallel", "同时运行多少个日期"),
    ("backfill", "补数的编号"),
    (
        "event",
        "只列出这些事件的，以逗号分隔：execution_failed、job_failed、job_retried、not_started_by、not_finished_by、executor_lost、data_source_down、longer_than_usual、execution_succeeded",
    ),
    ("acknowledged", "只列出已确认（true）或未确认（false）的"),
    ("hcndc alert list execution", "只列出与该执行有关的"),
    ("alert", "预警的编号"),
    ("alerts", "预警的编号；可多个"),
    ("shell", "哪种 shell"),
    ("plan", "只逐字段说明将做什么：+ 为新建，~ 为修改，- 为删除"),
    ("detailed_exitcode", "计划有改动时，退出码为 3"),
    (
        "prune",
        "同时删除文件中没有的内容：限于文件中至少有一个的种类，以及其任务流中的任务",
    ),
    (
        "prune_directory",
        "同时删除该目录及其下级中文件没有的内容，不论种类；可多次给出",
    ),
];

/// Sentences of the ends of helps.
pub(super) const ENDS: &[(&str, &str)] = &[
    ("Examples:", "示例："),
    (
        "Exit codes of watch and of --watch: 0 all succeeded, 1 failed or stopped, 130 interrupted (the execution goes on)",
        "watch 和 --watch 的退出码：0 全部成功，1 失败或已停止，130 被中断（执行仍在继续）",
    ),
    (
        "Exit codes: 0 done; 1 the server did not do it; 2 the file is wrong; 3 with --detailed-exitcode: there are changes",
        "退出码：0 完成；1 服务未能完成；2 文件有误；3 使用 --detailed-exitcode 且有改动",
    ),
];

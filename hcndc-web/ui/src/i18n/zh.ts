import type { Messages } from '.'

const zh: Messages = {
  app: { tagline: '调度网状依赖的 ETL 任务', skip: '跳到内容', menu: '菜单' },
  menu: {
    watch: '监控', define: '定义', connect: '连接', manage: '管理',
    home: '总览', execute: '执行', interface: '任务流', job: '任务', dispatch: '调度', backfill: '补数', forecast: '预测', dispatchAlert: '调度预警', baseAlert: '预警配置', executor: '执行服务器', params: '参数', datasource: '数据源', ftp: '文件服务器', ftpEvent: '文件事件', hook: 'Webhook', calendar: '日历', pool: '资源池',
    user: '用户', role: '角色', token: 'API 令牌', audit: '审计', server: '服务器', graph: '任务流网状图', alert: '预警',
  },
  user: {
    language: '语言', theme: '主题', auto: '跟随系统', light: '浅色', dark: '深色', zone: '时区', browserZone: '浏览器时区',
    signOut: '退出登录', changePassword: '修改密码', open: '免登录', api: 'API 文档', outside: '密码不由本服务器保存。对方标识：{subject}。', expected: '密码不由本服务器保存。首个在那里以此账号登录的人即为该用户。', newPassword: '重置密码', newPasswordText: '生成一次性密码并结束该用户的全部会话，密码只显示一次。', openNote: '本服务器仅监听本机，无需登录。',
  },
  login: {
    title: '登录', account: '账号', password: '密码', submit: '登录', again: '登录已失效', againNote: '请重新登录后继续，您已填写的内容仍然保留。', first: '服务器首次启动时会打印 admin 账号的一次性密码。',
    change: '设置新密码', changeNote: '您收到的密码只能使用一次，请设置至少 12 个字符的新密码。', old: '当前密码', fresh: '新密码', repeat: '再次输入新密码', differ: '两次输入不一致。', save: '保存密码', changed: '密码已修改，您的其他会话均已结束。',
    by: '通过 {label} 登录', or: '或使用账号和密码', directory: '请使用目录服务的账号和密码，或本服务器的账号。',
    refused: {
      unknown_person: '您在此处还没有账号，请联系管理员。', account_disabled: '您的账号已停用，请联系管理员。',
      account_taken: '您将使用的账号在此处属于他人。请管理员将其改名，或确认其归您所有。', bad_account: '您在身份提供方的名称不能作为此处的账号：含有空格或斜杠，或者过长。',
      last_admin: '按您所属的组将不再有管理员，须先指定另一名管理员。', provider_denied: '身份提供方没有让您登录。', provider_unavailable: '身份提供方没有响应。本服务器的账号仍可在下方登录。',
      provider_gives_no_token: '身份提供方不接受本服务器的凭据，管理员可在服务日志中查看原因。', bad_token: '身份提供方给出的信息与本服务器不符，管理员可在服务日志中查看原因。',
      sign_in_expired: '登录用时过长，或是在另一个浏览器中开始的，请重新开始。', other: '未能登录，请重试。',
    },
  },
  common: {
    search: '搜索', refresh: '刷新', new: '新建', edit: '编辑', delete: '删除', save: '保存', cancel: '取消', close: '关闭', back: '返回', more: '更多',
    previous: '上一页', next: '下一页', first: '第一页', copy: '复制', copied: '已复制', all: '全部', none: '无', any: '不限', yes: '是', no: '否', on: '开', off: '关',
    enabled: '启用', active: '生效中', disabled: '停用', name: '名称', description: '说明', directory: '目录', version: '版本 {n}', updated: '最近修改', updatedBy: '{at}，{by}', created: '创建',
    loading: '加载中', retry: '重试', nothing: '暂无内容', noMatch: '没有符合条件的内容', clearFilters: '清除筛选', columns: '列', selected: '已选 {n} 项', rows: '本页 {n} 条', select: '选择', selectAll: '选择本页全部',
    add: '添加', remove: '移除', value: '值', key: '名称', required: '必填', saved: '已保存', deleted: '已删除', unsaved: '有未保存的修改，确定离开吗？', leave: '离开', stay: '留下',
    details: '详情', general: '基本', advanced: '更多设置', usedBy: '被引用', unused: '没有被引用', of: '{a} / {b}', actions: '操作', filter: '筛选', id: '编号', today: '今天', showAll: '查看全部', by: '由 {who}',
    sortedUp: '升序', sortedDown: '降序', notHere: '本服务器尚未提供此页面。', unknownPage: '该地址没有页面', forbidden: '您的账号没有“{permission}”权限。', toHome: '返回总览', askAdmin: '请向管理员申请包含该权限的角色。', up: '上移', down: '下移',
  },
  trial: { title: '测试', run: '立即测试', protocol: '协议 {version}', good: '正常', bad: '不正常', noFiles: '现在没有匹配的文件', used: '已使用', unfit: '名称中没有日期', incomplete: '尚未完整', never: '尚未检查' },
  problem: { unreachable: '无法连接服务器', unreachableDetail: '请确认服务器正在运行且网络正常，然后重试。', missing: '无法载入此页面', missingDetail: '无法连接服务器，或服务器在载入期间已升级。当前显示的内容保持不变。', faults: '需要修正', stale: '其他人刚刚修改了此内容。', reload: '载入最新内容', in_use: '仍被引用', unexpected: '意外的响应' },
  state: {
    succeeded: '成功', failed: '失败', upstream_failed: '上游失败', timed_out: '超时', lost: '失联', not_started: '未能启动', running: '运行中', dispatched: '已下发', queued: '排队中', blocked: '等待依赖', waiting: '等待中', retry_wait: '等待重试', paused: '已暂停', stopping: '停止中', stopped: '已停止', killed: '已终止', skipped: '已跳过', joined: '已合并',
  },
  tone: { succeeded: '成功', failed: '失败', running: '运行中', waiting: '等待', paused: '等待重试', stopped: '已终止', skipped: '跳过' },
  trigger: { manual: '手动', schedule: '调度', file: '文件', data_date: '数据日期', backfill: '补数', webhook: 'Webhook' },
  hook: { at: '位置', values: '值', test_equals: '等于', test_differs: '不等于', test_matches: '匹配', test_exists: '存在', test_absent: '不存在', address: '投递地址', signedStandard: '以 POST 发送 JSON，按 Standard Webhooks 规范签名。', signedBody: '以 POST 发送 JSON，对内容以 HMAC-SHA256 签名。', noSecret: '尚无密钥：拒绝所有投递。', sample: '试投样例', run: '试投', notJson: '样例不是 JSON', would_started: '将启动', would_filtered: '不会启动', would_refused: '将被拒绝', deliveries: '投递记录', again: '刷新', came: '到达', name: '标识', from: '来源', nameless: '无标识', tries: '× {n}', started: '已启动', filtered: '已过滤', refused: '已拒绝', none: '尚无投递', bytes: '共 {n} 字节。', take: '用作样例', more: '更多' },
  preview: { title: '运行内容预览', note: '参数均已代入，SQL 参数会实际查询；不会运行任务。', show: '预览', trouble: '尝试无法开始', args: '脚本参数', outputs: '执行时才知道：{names}', env: '环境变量，工作目录 {workdir}' },
  alert: {
    event: '事件', subject: '对象', raised: '发生时间', told: '通知时间', state: '状态', rule: '规则', rules: '调度预警', open: '未确认', acknowledged: '已确认', waiting: '尚未通知', over: '已消除', escalated: '已升级', nobodyTold: '未能通知', waits: '等待通知', acknowledge: '确认', done: '已确认 {n} 条，不再通知其他人', by: '{who}，{at}', as: '见预警 {id}', escalates: '升级自预警 {id}', escalatesAt: '{at} 升级', after: '超过', tell: '通知', noEscalation: '不再通知其他人。', empty: '还没有预警', emptyHelp: '规则所关注的事件会列在这里：失败、超时、执行服务器失联等。请先新建规则。',
  },
  home: {
    title: '总览', today: '今日启动', since: '，自 {at} 起', running: '正在运行', failed: '失败', noFailed: '今天没有失败。', noRunning: '当前没有运行中的执行。', executors: '执行服务器', online: '在线', offline: '离线', slots: '槽位 {used} / {all}', load: '负载 {n}', memory: '可用内存 {n}', disk: '可用磁盘 {n}', why: '原因', lastLines: '输出的最后几行', fix: '修正任务', resume: '继续执行', next: '即将触发', noNext: '近期没有调度触发。', heat: '近 30 天各任务流', late: '超时与期限', alerts: '未确认的预警', noAlerts: '没有未确认的预警。', trend: '耗时', jobs: '任务 {done} / {total}', welcome: '从这里开始', welcomeText: '还没有任何执行。请新建任务流和任务，或用 hcndc import 导入网格文件，然后运行。', newFlow: '新建任务流', holds: '另有 {n} 个任务受阻', heatCell: '{flow}，{date}：成功 {succeeded}，失败 {failed}', noHeat: '近 30 天没有执行。', tonight: '未来 24 小时', lastEnd: '{n} 个执行中最后一个结束', openThen: '届时仍未结束：{n}', allKept: '所有期限均可满足。', noLate: '没有超时，一天内也没有期限。', missed: '已超时', open: '待完成', startBy: '须在 {at} 前开始（{date}）', finishBy: '须在 {at} 前成功（{date}）',
  },
  execution: {
    title: '执行', one: '执行 {id}', state: '状态', flows: '任务流', dataDate: '数据日期', trigger: '触发方式', started: '开始', ended: '结束', took: '耗时', progress: '进度', startedBy: '启动人', partial: '仅部分任务', partialHelp: '仅启动了部分任务，不推进数据日期。', flow: '任务流', from: '数据日期从', to: '到', empty: '还没有执行', emptyHelp: '打开一个任务流并运行，或为其设置调度。', live: '实时',
    jobs: '任务', gantt: '甘特图', topology: '拓扑图', history: '操作记录', params: '参数', noParams: '启动时没有指定参数。', job: '任务', attempt: '尝试', exit: '退出码', queued: '排队', noActions: '没有人工操作。', flowRuns: '任务流执行', restarts: '自动续跑 {n} 次', joinedTo: '与任务流执行 {id} 共享结果', timedOut: '超过时限', whatFailed: '失败的任务', heldUp: '受阻任务 {n} 个', flowsMore: '及另外 {n} 个', schedule: '调度 {id}', leftOut: '本次启动未包含', critical: '关键路径',
  },
  backfill: {
    new: '补数', title: '新建补数', one: '补数 {id}', note: '对一段历史数据日期依次运行任务流，每个日期是一次独立的执行。', flow: '任务流', flowHelp: '每个日期都运行此任务流。', range: '日期范围', rangeHelp: '首个与最后一个数据日期，最多 3,660 个。', from: '首个日期', to: '最后日期', parallel: '同时运行的日期数', parallelHelp: '1 表示逐日依次运行，最多 366。', downstream: '包含全部下游任务流', plan: '将要执行的内容', planWaits: '选择任务流与日期后，这里会显示将要运行的内容，此时不会启动任何任务。', dates: '日期', executions: '执行', flows: '每次执行的任务流', jobRuns: '任务运行总数', jobs: '{n} 个任务', start: '启动', confirm: '将为 {from} 至 {to} 启动 {executions} 次执行，共 {jobRuns} 个任务运行，同时 {parallel} 个。', started: '补数 {id} 已启动', empty: '还没有补数', emptyHelp: '日期有遗漏或任务流修正后，可对这些日期重新运行，每个日期是一次独立的执行。', stop: '停止', stopText: '停止正在运行的 {running} 次执行，等待中的 {waiting} 个日期不再开始。之后可以继续。', restart: '继续', restartText: '重新开始 {n} 个尚未成功的日期，已成功的保持不变。', dateCell: '{date}：{state}', restarts: '继续次数', stoppedBy: '停止人',
  },
  forecast: {
    title: '预测', note: '按当前定义与状态推算何时运行什么，不会启动任何任务。', horizon: '预测范围', hours: '{n} 小时', days: '{n} 天', usual: '按任务通常耗时', usualHelp: '取最近几次运行的中位数，最多 2,000 个任务；否则取定义中的预期耗时，没有则为一分钟。', connected: '仅使用在线的执行服务器', lost: '假设这些服务器不可用', executions: '执行', lastEnd: '最后结束于', missed: '将错过的期限', open: '届时尚未结束', none: '这段时间没有任何运行', noneHelp: '没有调度触发，也没有等待中的执行。请为任务流设置调度，或扩大预测范围。', timeline: '时间线', filter: '查找任务流', waits: '等待', runs: '运行', cut: '推算在 500,000 步后中止，之后的内容未显示。', moreRows: '另有 {n} 个任务流，可按名称查找。', skipped: '不会启动的触发时间', start: '“{schedule}”（{date}）到 {at} 仍未开始', finish: '“{schedule}”（{date}）到 {at} 仍未成功', bar: '{flow}，{date}：{from} 至 {to}，{state}', notYet: '未结束',
  },
  whatIf: {
    open: '假设分析', title: '假设分析', note: '仅假设这些修改已生效，不会保存任何内容。', clear: '清除全部假设', assumed: '假设的修改', how: '修改方式', field: '单项设置', mesh: '网状依赖文件片段', kind: '类型', which: '选择对象', what: '选择设置项', add: '试一试', fresh: '新建', draft: '表单中未保存的内容：{fields}', back: '返回表单', differences: '将带来的变化', nothing: '在此时间范围内没有变化。', lastEnd: '最后结束', newlyMissed: '新增超时：', kept: '不再超时：', keptBy: '“{schedule}”{date}，{at} 之前', firesGone: '不再触发（{n}）', firesAdded: '新增触发（{n}）', flows: '运行有变化的任务流', moved: '变化', runAdded: '新增运行', runGone: '不再运行', endsNow: '变为可预见结束', endsNoMore: '结束不可预见', more: '还有 {n} 个任务流执行', with: '修改后', without: '修改前',
  },
  draft: { foresee: '看看对预测的影响', here: '这是您之前填写的内容，尚未保存。', discard: '恢复为已保存的内容' },
  check: { mend: '需要修正：{fields}。', sound: '服务器检查通过，可以保存。', comma: '、' },
  switch: {
    on: '启用', off: '停用', none: '所选项已经全部如此。', already: '其中 {n} 项已经如此。', names: '包括：{names}', undo: '撤销', isOn: '已启用 {n} 项。', isOff: '已停用 {n} 项。', undone: '已恢复 {n} 项。', refused: '{n} 项被拒绝', title: '{what}{n} 个{kinds}', dismiss: '关闭',
    flowsOff: '这 {n} 个任务流不再参与新的执行，无论是手动启动、由调度启动，还是随上下游启动；其调度到期时会跳过。正在运行的继续运行。',
    flowsOn: '这 {n} 个任务流重新参与之后的执行，其调度恢复触发。已跳过的不会补跑。',
    jobsOff: '之后开始的执行轮到这 {n} 个任务时会跳过，等待它们的任务照常继续。正在进行的执行不受影响。',
    jobsOn: '之后开始的执行会重新运行这 {n} 个任务。正在进行的执行不受影响。',
  },
  history: {
    tab: '历史', about: '概况', title: '版本', pick: '选择两个版本进行比较', from: '从', to: '到', fromThis: '从 {version} 开始比较', toThis: '比较到 {version}', between: '从 {from} 到 {to}', restore: '恢复此版本', older: '更早的版本', none: '没有记录', noneHelp: '自审计开始以来没有人修改过此{kind}，或记录已过保留期。', noTrail: '此服务器不保留审计记录', noTrailHelp: '它是在没有用户的情况下启动的。', same: '没有差异。', more: '还有 {n} 个字段', newSecret: '（新的密文）', filled: '已填入 {by} 于 {at} 的版本 {version}，保存前不会有任何改变。', notKept: '该版本已不再保留，以下为已保存的内容。',
    did: { create: '新建', change: '修改', delete: '删除', pause: '暂停', resume: '恢复', run: '手动运行', test: '测试', password: '设置密码' }, by: { session: '网页', token: '令牌', open: '未登录', cli: '服务器主机', password: '密码' },
  },
  trend: {
    title: '最近运行的耗时', days: '每日执行与耗时', flows: '任务流及通常耗时', other: '其他', median: '中位数', p95: '95 分位', waited: '等待', ran: '运行', howMany: '运行次数', slower: '通常的 {n} 倍', slowerHelp: '最近一次成功运行的耗时与之前成功运行中位数之比。', help: '颜色表示运行结果，点击柱形打开对应执行；中位数与分位数只统计成功的运行。', dayLabel: '{days} 天的执行：成功 {succeeded}，失败 {failed}；{date} 的耗时中位数为 {median}', flowLabel: '{n} 次运行，中位数 {median}，95 分位 {p95}', sparkLabel: '{n} 次运行，中位数 {median}',
  },
  firing: { title: '触发记录', at: '触发时间', outcome: '结果', due: '期限', none: '尚未触发', started: '已启动', queued: '排队中', skipped: '已跳过', open: '待完成', kept: '已满足', missed: '已超时', lapsed: '已失效', startBy: '{at} 前开始', finishBy: '{at} 前成功' },
  grid: { title: '按日期查看', note: '每个任务流在各数据日期的最近一次运行结果，点击可打开该次执行。', days: '日期个数', earlier: '更早的日期', later: '更晚的日期', last: '最后日期', cell: '{flow}，{date}：{state}，执行次数：{n}', none: '{flow}，{date}：没有运行' },
  upload: { open: '批量上传', download: '下载', title: '批量上传：{kinds}', note: '用表格批量新建和修改，所有行一起生效，或全部不生效。', templates: '从模板开始，表头说明各列含义；也可下载现有内容，修改后重新上传。', template: '模板（{format}）', drop: '将 csv、xlsx 或 xls 文件拖到此处', choose: '选择文件', another: '选择其他文件', faults: '未写入任何内容，请修正以下问题后重新选择文件', cell: '单元格', fault: '问题', remedy: '处理方法', preview: '将要进行的修改', row: '行', outcome: '结果', changes: '变更', created: '新建', changed: '修改', unchanged: '不变', all: '显示不变的行', nothing: '没有新内容', write: '写入', confirm: '将一次性新建 {created} 项、修改 {changed} 项。', done: '已新建 {created} 项，修改 {changed} 项', leave: '此表格尚未写入，确定离开吗？' },
  sheet: { name: '名称', description: '说明', directory: '目录', data_date: '数据日期', retries: '重试次数', depends_on: '依赖', flow: '任务流', executor: '执行服务器', workdir: '工作目录', command: '命令', params: '参数', success_codes: '成功退出码' },
  skip: { misfired: '超过允许的延迟', coalesced: '由更晚的一次代替', max_instances: '同时运行数已满', queue_full: '排队数已满', paused: '调度已暂停', changed: '调度已修改', deleted: '调度已删除', excluded: '不在调度的日期内', flow_disabled: '任务流已停用', refused: '任务流无法启动' },
  jobRun: {
    title: '任务执行 {id}', why: '原因', log: '日志', attempts: '尝试', holds: '等待的条件', earliest: '最早可开始', executor: '执行服务器', pid: '进程', peak: '内存峰值', cpu: '处理器时间', logBytes: '输出', signal: '信号', reason: '原因', noAttempts: '尚未尝试运行。', values: '参数与输出', params: '参数', outputs: '输出', noParams: '该任务没有参数。', noOutputs: '没有输出。任务打印一行 ::set-output 名称=值 即可输出。', outputsOf: '来自第 {number} 次尝试', editJob: '编辑任务', number: '序号', dispatched: '下发时间',
  },
  log: { follow: '跟随', search: '在日志中搜索', all: '全部', stdout: '标准输出', stderr: '错误输出', executor: '执行服务器', download: '下载', firstError: '首个错误', empty: '尚无输出', ended: '已完整', reading: '已读取 {done}，共 {all}', hits: '{i} / {n}', found: '找到 {n} 处', nothing: '没有任何输出。', noHits: '无匹配', dropped: '为保持流畅，较早的行已省略；下载日志可查看全部。', top: '到开头', bottom: '到末尾', wrap: '自动换行' },
  control: {
    executions: '{n} 个执行', stopMany: '终止正在运行的 {running} 个任务并结束这 {n} 个执行，之后可从中断处继续。', pauseMany: '正在运行的 {running} 个任务会运行到结束，这 {n} 个执行不再启动其他任务，直到有人让其继续。', resumeMany: '让这 {n} 个执行从中断或暂停处继续；已成功的不再运行，并重新读取定义。',
    stop: '停止', pause: '暂停', unpause: '恢复', resume: '继续执行', reset: '全部重跑', rerun: '从此处重跑', skip: '跳过', mark: '标记成功', kill: '终止',
    stopText: '终止正在运行的 {running} 个任务并结束本次执行，另有 {left} 个任务不再运行。之后可从中断处继续执行。',
    pauseText: '正在运行的 {running} 个任务会运行到结束；在恢复之前不会启动其他任务。',
    unpauseText: '恢复执行：等待中的 {left} 个任务可以再次启动。',
    resumeText: '重新运行失败、被终止或受阻的 {again} 个任务，已成功的不再运行。定义会重新读取，修正后的命令随即生效。',
    resetText: '重新运行全部 {total} 个任务，包括已成功的 {done} 个。定义会重新读取。',
    rerunText: '在本次执行中重新运行“{job}”及其下游全部任务，定义会重新读取；其他任务保持不变。',
    skipText: '将“{job}”记为跳过：等待它成功的任务会继续，它本身不再运行。',
    markText: '将“{job}”记为成功，即使它在此没有运行完成；等待它的任务会继续。',
    killText: '立即终止“{job}”及其全部进程，不再重试。执行按失败继续：需要它成功的任务变为“上游失败”。',
    done: '已完成', starting: '立即运行', run: '运行',
  },
  start: { title: '运行 {name}', dataDate: '数据日期', dateHelp: '本次运行对应的业务日期。留空表示服务器时区的前一天。', dateFormat: '日期格式', dateFormatHelp: '命令中日期的写法（strftime）：%Y 年、%m 月、%d 日。自带格式的占位符不受影响。留空为 %Y-%m-%d。', written: '{date} 写作', downstream: '包含全部下游任务流', downstreamHelp: '同时运行以此为祖先的所有任务流，各自在其父任务流之后。', params: '参数', paramsHelp: '优先于任务流和任务的同名参数。', alone: '仅此任务', scheduleDate: '留空则为此刻触发时的数据日期。', scheduleParams: '优先于调度自身的同名参数。', aloneHelp: '只运行此任务，不运行其依赖；不推进数据日期。', started: '执行 {id} 已启动', submit: '运行' },
  form: { command: '命令', dependsOn: '依赖', create: '新建{kind}', editing: '编辑 {name}', help: '帮助', secretKept: '留空则保留已存储的内容', addRow: '添加一行', condition: '条件', offset: '日期偏移', waitLimit: '最长等待', success: '成功', failure: '失败', done: '结束', delay: '首次等待', max: '重试次数', backoff: '每次等待 × ', cap: '最长等待', noRetry: '不重试', shared: '共享', own: '文本', output: '任务的输出', outputOf: '输出自', outputName: '输出的名称', otherwise: '没有时取', source: '来源', create_: '创建', chooseFlow: '请先选择任务流', pickDates: '添加日期', first: '起', last: '止', step: '间隔', once: '仅显示一次，请立即保存', onceDone: '已保存' },
  cron: { fields: '逐项选择', expression: '表达式', minute: '分', hour: '时', day: '日', month: '月', weekday: '星期', every: '每', step: '从…起每隔…', range: '从…到…', picked: '指定', next: '接下来十次', warnings: '注意', words: '含义', custom: '按原文', inZone: '按 {zone}', yours: '您的时间', dialect: '方言' },
  audit: { at: '时间', what: '对象', from: '来源', since: '起始时间', until: '截止时间', nothing: '没有更多记录。', all: '查看其全部历史', execution: '执行', job_run: '任务执行', backfill: '补数', alert: '预警', did: { create: '新建', change: '修改', delete: '删除', start: '启动', stop: '停止', pause: '暂停', unpause: '继续', resume: '恢复', rerun: '重跑', reset: '全部重跑', skip: '跳过', mark_succeeded: '标记成功', kill: '终止', acknowledge: '确认', run: '手动运行', restart: '重新开始', sign_in: '登录', sign_in_failed: '登录失败', sign_out: '退出', change_password: '修改密码', set_password: '设置密码' } },
  graph: { list: '列表', shape: '展示方式', search: '查找节点', fit: '适应窗口', zoomIn: '放大', zoomOut: '缩小', legend: '图例', upstream: '上游', downstream: '下游', nodes: '{n} 个节点，{e} 条边', failedFirst: '下一个失败', map: '缩略图', label: '{n} 个节点的图。方向键移动画面，加 Shift 在节点间移动；加减号缩放，0 适应窗口，F 折叠，回车打开', picked: '{name}：上游 {up}，下游 {down}', empty: '没有可绘制的内容', open: '打开', jobs: '任务', around: '周边任务流', depth: '深度', edge_success: '需要成功', edge_failure: '需要失败', edge_done: '需要结束', role: '图', editLabel: '{n} 个任务的图。方向键移动画面，加 Shift 在任务间移动，加 Alt 移动任务；加减号缩放，0 适应窗口，Delete 删除', fold: '折叠下游', unfold: '展开', unfoldAll: '全部展开', foldedAway: '已折叠 {n} 个', jobCount: '任务数：{n}', nextOf: '转到下一个', showJobs: '展开任务', hideJobs: '收起任务', allJobs: '全部任务', flowsOnly: '任务流' },
  graphEdit: {
    open: '编辑图', title: '编辑 {name} 的图', panel: '选中的内容', new: '新', newName: '任务', add: '添加任务', after: '后续任务', arrange: '自动排列', undo: '撤销', redo: '重做', changes: '未保存：{n}', toFix: '需要修正：{names}', reviewSave: '检查并保存', review: '将要修改的内容', reviewNote: '涉及 {n} 个任务。作为一次修改整体保存，要么全部生效，要么全不生效。', checking: '正在由服务器检查…', checked: '服务器检查通过，可以保存。', goOn: '继续编辑', create: '新建', change: '修改', delete: '删除',
    tieAdded: '新增依赖 {name}', tieRemoved: '不再依赖 {name}', tieChanged: '依赖 {before} 改为 {after}', dependsOn: '依赖', dependsOnJob: '依赖本任务流的任务…', dependsOnOther: '依赖其他任务流的任务…', neededBy: '被依赖', round: '会形成循环', wholeForm: '完整表单', deleteJob: '删除任务', tie: '依赖关系', waitsFor: '等待', untieAll: '移除对它的依赖', outside: '这是其他任务流的任务，请在其所属任务流中修改；此处只能修改对它的依赖。', findJob: '查找任务', noJobs: '没有匹配的任务。',
    circle: '“{from}”不能依赖“{to}”，否则会形成循环：{circle}', notHere: '“{name}”属于其他任务流，其依赖请在那里修改。', staleNote: '您开始编辑后，其他人修改了其中的内容。您的草稿已保留，可以合并到当前已保存的版本上：您修改过的以您为准，其余以对方为准。', rebase: '合并我的草稿', lost: '以下内容已被删除，已从草稿中移除：{names}',
    howAdd: '双击空白处或点击“添加任务”即可添加任务。', howTie: '从任务下方的圆点拖到另一个任务，即让后者等待前者。', howPick: '点选任务或连线后可修改或删除；拖动任务可移动，位置不会保存。', howKeys: 'Ctrl+Z 撤销，Ctrl+Shift+Z 重做，Ctrl+S 检查并保存，Delete 删除。',
  },
}

export default zh

/** Kinds that tell when: schedules, calendars, file servers and events, webhooks. */
import { COLUMN_DIRECTORY, COLUMN_ENABLED, COLUMN_NAME, COLUMN_UPDATED, DESCRIPTION, DIRECTORY, ENABLED, NAME, p, type Field, type Kind } from './types'

const DOWNSTREAM_HELP = p('Flows that wait for its flows take part in the same execution.', '等待这些任务流的下游任务流一并参与同一执行。')
const ZONE: Field = { name: 'zone', type: 'zone', label: p('Time zone', '时区'), help: p('Whose clock its times and dates follow.', '时间和日期所依据的时区。') }

export const schedules: Kind = {
  key: 'schedules', page: '/dispatch/', one: p('schedule', '调度'), many: p('Schedules', '调度'),
  about: p('When flows run by themselves.', '任务流何时自动运行。'),
  start: p('Give a flow a schedule, so that it runs by itself.', '为任务流设置调度，使其自动运行。'),
  filters: ['directory', 'flow', 'enabled'], needs: 'write', uses: false, forecast: true,
  detail: () => import('@/pages/ScheduleParts.vue'),
  columns: [
    COLUMN_NAME,
    { name: 'paused', label: p('State', '状态'), type: 'state', width: '100px' },
    { name: 'flow', label: p('Flow', '任务流'), type: 'ref' },
    { name: 'trigger', label: p('Trigger', '触发器'), type: 'trigger' },
    { name: 'zone', label: p('Zone', '时区'), wide: true, width: '130px' },
    { name: 'next', label: p('Next', '下次'), type: 'time', width: '120px' },
    COLUMN_DIRECTORY, COLUMN_UPDATED,
  ],
  fields: [
    NAME, DESCRIPTION, DIRECTORY,
    { name: 'owner', type: 'text', empty: '', label: p('Owner', '负责人'), help: p('Whom to ask.', '有问题找谁。') },
    { name: 'flow', type: 'ref', to: 'flows', required: true, label: p('Flow', '任务流'), help: p('The flow that it starts.', '要启动的任务流。') },
    { name: 'downstream', type: 'bool', initial: false, label: p('With all flows downstream', '包含全部下游任务流'), help: DOWNSTREAM_HELP },
    { name: 'trigger', type: 'trigger', required: true, initial: '0 2 * * *', label: p('Trigger', '触发器'), help: p('A time, a file that arrives, or the data date that other flows have reached.', '按时间、文件到达，或其他任务流达到的数据日期触发。') },
    ZONE,
    { name: 'paused', type: 'bool', initial: false, label: p('Paused', '暂停'), help: p('It does not fire for now; what falls due meanwhile is skipped.', '暂停期间到期的触发会被跳过。') },
    { name: 'calendar', type: 'ref', to: 'calendars', empty: null, label: p('Calendar', '日历'), help: p('Which days are business days; without one, Monday to Friday.', '决定哪些是工作日；不选则为周一至周五。') },
    { name: 'filter', type: 'filter', empty: null, label: p('Days', '日期过滤'), help: p('On a day that is excluded it does not fire, and does not make up for it.', '被排除的日期不触发，也不补触发。') },
    { name: 'date_offset', type: 'int', initial: -1, min: -366, max: 366, label: p('Data date offset', '数据日期偏移'), help: p('Days from the date of the fire time to the data date; -1 is T-1.', '触发日期到数据日期的天数，-1 即 T-1。') },
    { name: 'start_by', type: 'deadline', empty: null, label: p('Started by', '最晚开始'), help: p('An alert is raised unless its execution has started by then.', '届时未开始则预警。') },
    { name: 'finish_by', type: 'deadline', empty: null, label: p('Finished by', '最晚完成'), help: p('An alert is raised unless its execution has finished by then.', '届时未完成则预警。') },
    { name: 'alerts', type: 'refs', to: 'alert-rules', label: p('Alert rules', '预警规则'), help: p('Rules that hold for its executions, beside the default ones.', '除默认规则外适用于其执行的规则。') },
    { name: 'params', type: 'map', advanced: true, label: p('Params', '参数'), help: p('Of its executions, over those of flows and jobs.', '其执行的参数，优先于任务流和任务。') },
    { name: 'misfire_grace', type: 'span', initial: '1h', advanced: true, label: p('Misfire grace', '误触发宽限'), help: p('How late it may still fire for a time that has passed.', '错过的时间在多久之内仍会补触发。') },
    { name: 'missed', type: 'select', initial: 'coalesce', advanced: true, label: p('Several missed', '多次错过'), help: p('What becomes of several fire times that passed while nobody could fire them.', '无人触发期间错过多个时间点时的处理方式。'), options: [{ value: 'coalesce', label: p('one execution, for the latest', '合并为最近一次') }, { value: 'catch_up', label: p('one execution for each', '逐次补跑') }] },
    { name: 'max_instances', type: 'int', initial: 1, min: 1, max: 1000, advanced: true, label: p('Executions at once', '同时执行上限'), help: p('Executions of this schedule that may live at the same time.', '本调度可同时存在的执行数。') },
    { name: 'overlap', type: 'select', initial: 'queue', advanced: true, label: p('When that many live', '达到上限时'), help: p('Whether a further fire time waits for its turn, or is skipped for good.', '之后的触发排队等待，或直接跳过。'), options: [{ value: 'queue', label: p('wait in line', '排队') }, { value: 'skip', label: p('skip', '跳过') }] },
    { name: 'not_before', type: 'instant', empty: null, advanced: true, label: p('Not before', '生效时间'), help: p('With its offset: 2026-11-21T18:00:00+08:00.', '含时区偏移：2026-11-21T18:00:00+08:00。') },
    { name: 'not_after', type: 'instant', empty: null, advanced: true, label: p('Not after', '失效时间'), help: p('It fires for no time after this; empty: for ever.', '此后不再触发；留空表示一直有效。') },
  ],
}

const WEEKDAYS = [
  ['monday', 'Monday', '周一'], ['tuesday', 'Tuesday', '周二'], ['wednesday', 'Wednesday', '周三'], ['thursday', 'Thursday', '周四'],
  ['friday', 'Friday', '周五'], ['saturday', 'Saturday', '周六'], ['sunday', 'Sunday', '周日'],
].map(([value = '', en = '', zh = '']) => ({ value, label: p(en, zh) }))

export const calendars: Kind = {
  key: 'calendars', page: '/calendar/', one: p('calendar', '日历'), many: p('Calendars', '日历'),
  about: p('Which days are business days.', '哪些日期是工作日。'),
  start: p('Make a calendar with the holidays of your country, then name it in schedules.', '录入节假日与调休，然后在调度中引用。'),
  filters: ['directory'], needs: 'write', uses: true, forecast: true,
  columns: [COLUMN_NAME, COLUMN_DIRECTORY, { name: 'weekend', label: p('Weekend', '周末'), type: 'many' }, { name: 'holidays', label: p('Holidays', '节假日'), type: 'dates', end: true }, { name: 'workdays', label: p('Made up for', '调休'), type: 'dates', end: true }, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY,
    { name: 'weekend', type: 'many', initial: ['saturday', 'sunday'], options: WEEKDAYS, label: p('Weekend', '周末'), help: p('Days of each week that are no business days.', '每周中不是工作日的日子。') },
    { name: 'holidays', type: 'dates', initial: [], label: p('Holidays', '节假日'), help: p('Dates that are no business days.', '不是工作日的日期。') },
    { name: 'workdays', type: 'dates', initial: [], label: p('Working weekends', '调休上班'), help: p('Dates that are business days although they lie on a weekend.', '虽在周末但需上班的日期。') },
  ],
}

const PASSWORD: Field = { name: 'password', type: 'secret', label: p('Password', '密码'), help: p('Kept encrypted, and shown to nobody.', '加密保存，不会显示。') }
const USER: Field = { name: 'user', type: 'text', empty: '', label: p('User', '用户名'), help: p('Best one that may read, and nothing else.', '建议仅有读取权限。') }
const HOST: Field = { name: 'host', type: 'text', empty: '', label: p('Host', '主机'), help: p('Name or address by which the server that leads reaches it.', '主服务器可访问的主机名或地址。') }
const PORT: Field = { name: 'port', type: 'int', empty: null, min: 1, max: 65535, label: p('Port', '端口'), help: p('Empty: the usual one of its kind.', '留空使用该类型的默认端口。') }
const words = (...values: string[]) => values.map((value) => ({ value, label: p(value, value) }))

export const fileServers: Kind = {
  key: 'file-servers', page: '/ftp/', one: p('file server', '文件服务器'), many: p('File servers', '文件服务器'),
  about: p('Where file events look for files.', '文件事件查找文件的位置。'),
  start: p('Name a server, then watch a path on it with a file event.', '登记服务器后，用文件事件监视其路径。'),
  filters: ['directory'], needs: 'write', uses: true, trial: true,
  columns: [COLUMN_NAME, { name: 'kind', label: p('Kind', '类型'), width: '90px' }, { name: 'host', label: p('Host', '主机') }, COLUMN_DIRECTORY, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY, { name: 'kind', type: 'select', required: true, initial: 'sftp', options: words('local', 'ftp', 'ftps', 'sftp', 's3'), label: p('Kind', '类型'), help: p('How it is reached; local is the disk of the server that leads.', '访问方式；local 为主服务器的磁盘。') },
    HOST, PORT,
    { ...USER, help: p('Best one that may read, and nothing else. For S3 the id of the access key.', '建议仅有读取权限。S3 填访问密钥 ID。') },
    { ...PASSWORD, help: p('For SFTP it may be a private key, with its passphrase behind the last line. For S3 it is the secret of the access key.', 'SFTP 可填私钥，口令写在最后一行之后。S3 填访问密钥的密钥。') },
    { name: 'options', type: 'map', label: p('Options', '选项'), help: p('SFTP needs host_key: the test tells which key the server shows. S3 needs bucket.', 'SFTP 须设置 host_key：测试会显示服务器出示的密钥。S3 须设置 bucket。') },
  ],
}

export const fileEvents: Kind = {
  key: 'file-events', page: '/ftp/event/', one: p('file event', '文件事件'), many: p('File events', '文件事件'),
  about: p('Watched paths whose files make schedules fire.', '被监视的路径，文件到达时触发调度。'),
  start: p('Watch a path, then name the event in a schedule’s trigger.', '监视一个路径，再在调度触发器中引用。'),
  filters: ['directory', 'enabled'], needs: 'write', uses: true, trial: true,
  columns: [COLUMN_NAME, { name: 'server', label: p('Server', '服务器'), type: 'ref' }, { name: 'path', label: p('Path', '路径'), type: 'command' }, { name: 'interval', label: p('Every', '间隔'), width: '80px', wide: true }, COLUMN_ENABLED, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY,
    { name: 'server', type: 'ref', to: 'file-servers', required: true, label: p('File server', '文件服务器'), help: p('Where it looks.', '在哪里查找。') },
    { name: 'path', type: 'text', required: true, placeholder: '/in/${date:%Y%m%d}/*.csv', label: p('Path', '路径'), help: p('${date…} and the globs * and ? may stand in it.', '可含 ${date…} 以及通配符 * 和 ?。') },
    { ...ENABLED, help: p('Whether it is watched.', '是否监视。') },
    { name: 'per', type: 'select', initial: 'date', options: [{ value: 'date', label: p('once for a data date', '每个数据日期一次') }, { value: 'file', label: p('once for each file', '每个文件一次') }], label: p('Fires', '触发'), help: p('Each file is used once, for ever, in either case.', '无论哪种方式，每个文件都只用一次。') },
    { name: 'interval', type: 'span', initial: '1m', label: p('Look every', '检查间隔'), help: p('Time between two looks, such as 30s or 5m.', '两次检查之间的时间，如 30s、5m。') },
    { name: 'window', type: 'window', empty: null, label: p('Watched between', '监视时段'), help: p('Empty: always. Over midnight if it ends before it starts.', '留空为全天；结束早于开始则跨午夜。') },
    ZONE,
    { name: 'min_age', type: 'span', initial: '0s', advanced: true, label: p('Unchanged for', '静止时长'), help: p('How long a file must have been left unchanged.', '文件须多久未变化。') },
    { name: 'marker', type: 'text', empty: null, advanced: true, label: p('Marker file', '标记文件'), help: p('A file beside it that says that it is complete; * stands for its name: *.ok', '表示文件已完整的文件，* 代表其名称：*.ok') },
    { name: 'date_pattern', type: 'text', empty: null, advanced: true, placeholder: '%Y%m%d', label: p('Date in the name', '文件名中的日期'), help: p('Where the data date stands in a file’s name, in strftime form.', '数据日期在文件名中的 strftime 格式。') },
  ],
}

const ofBody = (model: Record<string, unknown>) => model['scheme'] === 'body'
export const webhooks: Kind = {
  key: 'webhooks', page: '/hook/', one: p('webhook', 'Webhook'), many: p('Webhooks', 'Webhook'),
  about: p('Ways in for outside systems, whose signed deliveries start flows.', '外部系统的入口，签名的投递会启动任务流。'),
  start: p('Make a webhook, then give its address and secret to the sender.', '新建 Webhook，再将地址和密钥告知发送方。'),
  filters: ['directory', 'enabled'], needs: 'write', uses: true,
  detail: () => import('@/pages/WebhookParts.vue'),
  columns: [COLUMN_NAME, { name: 'flows', label: p('Flows', '任务流'), type: 'refs' }, { name: 'scheme', label: p('Signed', '签名'), type: 'select', width: '130px', wide: true }, COLUMN_DIRECTORY, COLUMN_ENABLED, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY,
    { ...ENABLED, help: p('Deliveries to one that is not enabled are refused.', '未启用时拒绝投递。') },
    { name: 'flows', type: 'refs', to: 'flows', required: true, label: p('Flows', '任务流'), help: p('What a delivery starts, all in one execution.', '一次投递启动的任务流，同属一个执行。') },
    { name: 'downstream', type: 'bool', initial: false, label: p('With all flows downstream', '包含全部下游任务流'), help: DOWNSTREAM_HELP },
    { name: 'scheme', type: 'select', initial: 'standard', options: [{ value: 'standard', label: p('Standard Webhooks', 'Standard Webhooks') }, { value: 'body', label: p('body, as GitHub', '内容（如 GitHub）') }], label: p('Signed', '签名方式'), help: p('Standard Webhooks sign time and id too, so that nobody can send a delivery again.', 'Standard Webhooks 同时对时间和标识签名，可防止重放。') },
    { name: 'secret', type: 'secret', label: p('Secret', '密钥'), help: p('16 characters or more. While you change it, give the old and the new one with a space between: both are valid.', '至少 16 个字符。更换期间可同时填写新旧两个，以空格隔开，均有效。') },
    { name: 'signature_header', type: 'text', initial: 'X-Hub-Signature-256', when: ofBody, label: p('Header of signatures', '签名请求头'), help: p('Where its sender puts the signature.', '发送方放置签名的请求头。') },
    { name: 'delivery_header', type: 'text', initial: 'X-GitHub-Delivery', when: ofBody, label: p('Header of ids', '标识请求头'), help: p('Tells deliveries apart; one without it is known by its body.', '用于区分投递；没有时按内容区分。') },
    { name: 'filter', type: 'conditions', label: p('Filter', '过滤'), help: p('What must hold of the body, all of it. Places are JSON pointers, such as /data/kind; values are separated by commas, and any of them will do.', '内容须满足的全部条件。位置为 JSON 指针，如 /data/kind；多个值满足其一即可。') },
    { name: 'date_at', type: 'text', empty: null, placeholder: '/data/date', label: p('Data date at', '数据日期位置'), help: p('JSON pointer to the data date. Empty: it counts from the day of arrival.', '数据日期所在的 JSON 指针。留空则按到达日期计算。') },
    { name: 'date_format', type: 'text', initial: '%Y-%m-%d', when: (model) => !!model['date_at'], label: p('Form of the date', '日期格式'), help: p('In strftime form; more may follow it, such as a time.', 'strftime 格式；其后可有其他内容，如时刻。') },
    { name: 'date_offset', type: 'int', initial: -1, min: -366, max: 366, when: (model) => !model['date_at'], label: p('Data date offset', '数据日期偏移'), help: p('Days from the day of arrival to the data date; -1 is T-1.', '到达日期到数据日期的天数，-1 即 T-1。') },
    { ...ZONE, help: p('Whose clock tells the day of arrival.', '到达日期所依据的时区。') },
    { name: 'params', type: 'map', label: p('Params', '参数'), help: p('Names, and JSON pointers to their values in the body.', '参数名，及其值在内容中的 JSON 指针。') },
  ],
}

export const dataSources: Kind = {
  key: 'data-sources', page: '/datasource/', one: p('data source', '数据源'), many: p('Data sources', '数据源'),
  about: p('Databases that SQL params query.', '供 SQL 参数查询的数据库。'),
  start: p('Name a database, then query it in a shared param.', '登记数据库，再在参数中查询。'),
  filters: ['directory'], needs: 'write', uses: true, trial: true,
  columns: [COLUMN_NAME, { name: 'kind', label: p('Kind', '类型'), width: '110px' }, { name: 'host', label: p('Host', '主机') }, { name: 'database', label: p('Database', '数据库') }, { name: 'last_check', label: p('Last check', '最近检查'), type: 'check', width: '190px' }, COLUMN_DIRECTORY, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY,
    { name: 'kind', type: 'select', required: true, initial: 'mysql', options: words('mysql', 'postgresql', 'sqlite', 'sql_server', 'mongodb', 'hive', 'impala', 'clickhouse', 'odbc'), label: p('Kind', '类型'), help: p('Hive, Impala, ODBC, SQL Server and MongoDB need a program that was built with them.', 'Hive、Impala、ODBC、SQL Server、MongoDB 需要构建时启用。') },
    { ...HOST, help: p('Name or address by which the server that leads reaches it, and executors of SQL jobs.', '主服务器（以及运行 SQL 任务的执行服务器）可访问的主机名或地址。') },
    PORT, { name: 'database', type: 'text', empty: '', label: p('Database', '数据库'), help: p('SQLite: the path of the file. MongoDB: test if empty.', 'SQLite 填文件路径。MongoDB 留空为 test。') }, USER, PASSWORD,
    { name: 'options', type: 'map', label: p('Options', '选项'), help: p('Hive, Impala and ODBC need driver or dsn: names that odbcinst.ini and odbc.ini have on the server; further attributes are attribute.NAME.', 'Hive、Impala 和 ODBC 须设置 driver 或 dsn（服务器上 odbcinst.ini、odbc.ini 中的名称）；其他连接属性写作 attribute.名称。') },
  ],
}

export const params: Kind = {
  key: 'params', page: '/params/', one: p('shared param', '参数'), many: p('Shared params', '参数'),
  about: p('Values that jobs share: a text, a value that a query gives, or what a run knows of itself.', '任务共享的值：文本、查询结果或运行上下文。'),
  start: p('Make a param, then take it in a job as “shared”.', '新建参数，再在任务中以“共享”引用。'),
  filters: ['directory'], needs: 'write', uses: true, trial: true,
  columns: [COLUMN_NAME, { name: 'value', label: p('Value', '值'), type: 'source' }, COLUMN_DIRECTORY, COLUMN_UPDATED],
  fields: [NAME, DESCRIPTION, DIRECTORY, { name: 'value', type: 'source', label: p('Value', '值'), help: p('A text as it is, what a query gives, or what a run knows of itself.', '固定文本、查询结果，或运行自身的信息。') }],
}

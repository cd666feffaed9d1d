/** Kinds that tell what runs: flows, jobs, executors, pools. */
import { COLUMN_DIRECTORY, COLUMN_ENABLED, COLUMN_NAME, COLUMN_UPDATED, DESCRIPTION, DIRECTORY, ENABLED, NAME, p, type Field, type Kind } from './types'

const PARAMS_HELP = p(
  'Values for ${param.NAME} and HCNDC_PARAM_NAME; not appended to commands.',
  '用于 ${param.名称} 和 HCNDC_PARAM_名称，不会追加到命令后。',
)
const ENV: Field = { name: 'env', type: 'map', advanced: true, label: p('Environment', '环境变量'), help: p('Variables of the commands’ environment; placeholders are replaced.', '命令的环境变量，占位符会被替换。') }
const LABELS: Field = { name: 'labels', type: 'map', label: p('Labels', '标签'), help: p('Names and values.', '名称和值。') }

export const flows: Kind = {
  key: 'flows', page: '/interface/', one: p('flow', '任务流'), many: p('Flows', '任务流'),
  about: p('Named groups of jobs; the units that are started and scheduled.', '一组任务，启动和调度的单位。'),
  start: p('Make a flow, then add jobs to it. “hcndc import mesh.yaml” brings in many at once.', '先新建任务流，再添加任务；也可用 hcndc import mesh.yaml 批量导入。'),
  filters: ['directory', 'enabled'], needs: 'write', uses: true, sheet: 'flows', forecast: true,
  detail: () => import('@/pages/FlowParts.vue'),
  columns: [
    COLUMN_NAME, COLUMN_DIRECTORY,
    { name: 'parents', label: p('Parents', '父任务流'), type: 'refs', wide: true },
    { name: 'data_date', label: p('Data date', '数据日期'), width: '110px' },
    { name: 'priority', label: p('Priority', '优先级'), end: true, width: '80px', wide: true },
    { name: 'owner', label: p('Owner', '负责人'), wide: true, width: '110px' },
    COLUMN_ENABLED, COLUMN_UPDATED,
  ],
  fields: [
    { ...NAME, help: p('Unique; without a slash.', '不可重复，不含斜杠。') }, DESCRIPTION, DIRECTORY,
    { name: 'owner', type: 'text', empty: '', label: p('Owner', '负责人'), help: p('Whom to ask.', '有问题找谁。') },
    { name: 'parents', type: 'refs', to: 'flows', label: p('Parent flows', '父任务流'), help: p('No job starts before all of these have succeeded.', '这些任务流全部成功之前，任何任务都不会启动。') },
    { ...ENABLED, help: p('A flow that is not enabled takes part in no run.', '停用的任务流不参与任何执行。') },
    { name: 'params', type: 'map', label: p('Params', '参数'), help: PARAMS_HELP },
    { name: 'priority', type: 'int', initial: 0, advanced: true, label: p('Priority', '优先级'), help: p('Added to the priority of each of its jobs; the greater goes first.', '加到每个任务的优先级上，大者先行。') },
    { name: 'max_runs', type: 'int', min: 1, max: 10000, empty: null, advanced: true, label: p('Runs at once', '同时运行上限'), help: p('Empty: no limit.', '留空表示不限。') },
    { name: 'timeout', type: 'span', empty: null, advanced: true, label: p('Timeout', '时限'), help: p('A run that takes longer is ended, and has failed. Empty: none.', '超过时限的运行会被结束并记为失败。留空表示不限。') },
    { name: 'restart_retries', type: 'int', initial: 0, min: 0, max: 100, advanced: true, label: p('Restarts', '自动续跑次数'), help: p('How often a failed run is taken up again by itself, where it broke.', '失败后从中断处自动继续的次数。') },
    { name: 'restart_delay', type: 'span', initial: '0s', advanced: true, label: p('Wait before a restart', '续跑前等待'), help: p('Such as 30s or 10m.', '如 30s、10m。') },
    { name: 'calendar', type: 'ref', to: 'calendars', empty: null, advanced: true, label: p('Calendar', '日历'), help: p('Whose business days ${date-1b} counts in its jobs; without one, Monday to Friday.', '${date-1b} 按此日历数工作日；不选则为周一至周五。') },
    { name: 'workdir', type: 'text', empty: '', advanced: true, label: p('Working directory', '工作目录'), help: p('Where its commands run, on the executor.', '命令在执行服务器上的运行目录。') },
    ENV,
  ],
}

export const jobs: Kind = {
  key: 'jobs', page: '/job/', one: p('job', '任务'), many: p('Jobs', '任务'),
  about: p('Commands, requests and statements on executors, and what ties them together.', '在执行服务器上运行的命令、请求、语句及其依赖。'),
  start: p('A job belongs to a flow: make a flow first.', '任务属于任务流，请先新建任务流。'),
  filters: ['flow', 'enabled'], needs: 'write', uses: true, sheet: 'jobs', forecast: true,
  detail: () => import('@/pages/JobParts.vue'),
  columns: [
    { name: 'flow', label: p('Flow', '任务流'), type: 'ref', width: '180px' }, COLUMN_NAME,
    { name: 'command', label: p('What it does', '执行内容'), type: 'work', wide: true },
    { name: 'depends_on', label: p('Depends on', '依赖'), type: 'dependencies', wide: true },
    { name: 'executor', label: p('Executor', '执行服务器'), type: 'ref', wide: true, width: '110px' },
    COLUMN_ENABLED, COLUMN_UPDATED,
  ],
  fields: [
    { name: 'flow', type: 'ref', to: 'flows', required: true, fixed: true, label: p('Flow', '任务流'), help: p('The flow that it belongs to, for good.', '所属任务流，创建后不可更改。') },
    { ...NAME, help: p('Unique in its flow.', '在任务流中不可重复。') }, DESCRIPTION,
    { name: 'command', type: 'work', required: true, label: p('What it does', '执行内容'), help: p('Placeholders are replaced for each attempt; its page shows the outcome for any date.', '每次尝试前替换占位符；任务页面可预览任一日期的结果。') },
    { name: 'depends_on', type: 'dependencies', label: p('Depends on', '依赖'), help: p('Jobs that must end first: of this flow by name, of others as flow/job.', '须先结束的任务：同一任务流写名称，其他任务流写“任务流/任务”。') },
    { name: 'params', type: 'params', label: p('Params', '参数'), help: p('Appended to a command in this order, each quoted as one word; for the rest values for ${param.NAME}.', '按此顺序追加到命令后，每个作为一个词；其他类型的任务用作 ${param.名称} 的值。') },
    { name: 'retry', type: 'retry', empty: null, label: p('Retries', '重试'), help: p('How often a failed attempt is made again, and after what wait.', '失败后重试的次数与等待时间。') },
    { name: 'timeout', type: 'span', empty: null, label: p('Timeout', '时限'), help: p('An attempt that takes longer is killed, and has failed. Empty: none.', '超时的尝试会被终止并记为失败。留空表示不限。') },
    { ...ENABLED, help: p('A job that is not enabled is skipped, and what depends on it goes on.', '停用的任务会被跳过，依赖它的任务照常继续。') },
    { name: 'executor', type: 'ref', to: 'executors', empty: null, label: p('Executor', '执行服务器'), help: p('Empty: any that has the labels below.', '留空：任一符合下方标签的服务器。') },
    { ...LABELS, help: p('Any executor that has all of these; not together with an executor.', '任一具备全部标签的执行服务器；不能与指定服务器同时使用。'), when: (model) => !model['executor'] },
    { name: 'success_codes', type: 'codes', initial: [0], advanced: true, label: p('Exit codes of success', '成功退出码'), help: p('All others are failures.', '其他退出码均视为失败。') },
    { name: 'priority', type: 'int', initial: 0, advanced: true, label: p('Priority', '优先级'), help: p('Among jobs that could run, the greater goes first.', '可运行的任务中大者先行。') },
    { name: 'slots', type: 'int', initial: 1, min: 1, max: 1000, advanced: true, label: p('Slots', '占用槽位'), help: p('Slots of its executor that it takes while it runs.', '运行时占用执行服务器的槽位数。') },
    { name: 'pool', type: 'ref', to: 'pools', empty: null, advanced: true, label: p('Pool', '资源池'), help: p('It runs only while the pool has slots for it, whatever its executor.', '资源池有空闲槽位时才运行，与执行服务器无关。') },
    { name: 'pool_slots', type: 'int', initial: 1, min: 1, max: 1000, advanced: true, label: p('Slots of the pool', '占用资源池槽位'), help: p('How many of them it takes while it runs.', '运行时占用的资源池槽位数。'), when: (model) => !!model['pool'] },
    { name: 'expected', type: 'span', empty: null, advanced: true, label: p('Usual duration', '通常耗时'), help: p('For forecasts that know no earlier run.', '用于没有历史运行时的预测。') },
    { name: 'workdir', type: 'text', empty: '', advanced: true, label: p('Working directory', '工作目录'), help: p('Empty: the flow’s.', '留空则用任务流的。') },
    ENV,
  ],
}

export const executors: Kind = {
  key: 'executors', page: '/base/exec/host/', one: p('executor', '执行服务器'), many: p('Executors', '执行服务器'),
  about: p('Hosts that run commands.', '运行命令的主机。'),
  start: p('Start hcndc-exec on a host, then name its address here.', '先在主机上启动 hcndc-exec，再在此登记其地址。'),
  filters: ['enabled'], needs: 'admin', uses: true, forecast: true,
  detail: () => import('@/pages/ExecutorParts.vue'),
  columns: [
    COLUMN_NAME,
    { name: 'health', label: p('Health', '健康'), type: 'health' },
    { name: 'address', label: p('Address', '地址'), wide: true },
    { name: 'labels', label: p('Labels', '标签'), type: 'map', wide: true },
    { name: 'slots', label: p('Slots', '槽位'), end: true, width: '80px', wide: true },
    COLUMN_ENABLED, COLUMN_UPDATED,
  ],
  fields: [
    NAME, DESCRIPTION,
    { name: 'address', type: 'text', required: true, placeholder: '10.0.0.5:7890', label: p('Address', '地址'), help: p('host:port of its hcndc-exec; IPv6 in brackets. It stays while jobs run there.', '其 hcndc-exec 的 主机:端口，IPv6 用方括号；有任务运行时不可修改。') },
    { name: 'slots', type: 'int', initial: 8, min: 1, max: 100000, label: p('Slots', '槽位'), help: p('Slots that its jobs may take together.', '其任务可同时占用的槽位数。') },
    { ...LABELS, help: p('What a job’s labels ask for, such as disk = ssd.', '供任务按标签选择，如 disk = ssd。') },
    { ...ENABLED, help: p('Whether it is given work. What runs there goes on.', '是否分配任务；已在运行的不受影响。') },
  ],
}

export const pools: Kind = {
  key: 'pools', page: '/pool/', one: p('pool', '资源池'), many: p('Pools', '资源池'),
  about: p('Slots that jobs of any flow share: at most so many queries on one warehouse, say.', '任意任务流的任务共享的槽位，例如限制数据仓库的并发查询数。'),
  start: p('Make a pool, then name it in jobs.', '新建资源池后在任务中引用。'),
  filters: ['directory'], needs: 'write', uses: true, forecast: true,
  columns: [COLUMN_NAME, COLUMN_DIRECTORY, { name: 'slots', label: p('Slots', '槽位'), end: true, width: '90px' }, { name: 'description', label: p('Description', '说明'), wide: true }, COLUMN_UPDATED],
  fields: [NAME, DESCRIPTION, DIRECTORY, { name: 'slots', type: 'int', required: true, initial: 4, min: 1, max: 100000, label: p('Slots', '槽位'), help: p('Slots that its jobs may take together; no fewer than one of its jobs takes.', '其任务可同时占用的槽位数，不少于其中单个任务所需。') }],
}

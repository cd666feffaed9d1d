/** Kinds that tell people: alert channels and rules. */
import { COLUMN_DIRECTORY, COLUMN_ENABLED, COLUMN_NAME, COLUMN_UPDATED, DESCRIPTION, DIRECTORY, ENABLED, NAME, p, type Kind } from './types'

const CHANNELS = [
  ['email', 'E-mail', '邮件'], ['ding_talk', 'DingTalk', '钉钉'], ['we_com', 'WeCom', '企业微信'], ['feishu', 'Feishu', '飞书'],
  ['slack', 'Slack', 'Slack'], ['teams', 'Teams', 'Teams'], ['webhook', 'Webhook', 'Webhook'], ['sms', 'SMS', '短信'],
].map(([value = '', en = '', zh = '']) => ({ value, label: p(en, zh) }))

/** What people can be told. */
export const EVENTS = [
  ['execution_failed', 'an execution failed', '执行失败'], ['execution_succeeded', 'an execution succeeded', '执行成功'],
  ['job_failed', 'a job failed', '任务失败'], ['job_retried', 'a job is retried', '任务重试'],
  ['not_started_by', 'not started in time', '未按时开始'], ['not_finished_by', 'not finished in time', '未按时完成'],
  ['executor_lost', 'an executor is lost', '执行服务器失联'], ['data_source_down', 'a data source is down', '数据源不可用'],
  ['longer_than_usual', 'longer than usual', '耗时异常'],
].map(([value = '', en = '', zh = '']) => ({ value, label: p(en, zh) }))

export const alertChannels: Kind = {
  key: 'alert-channels', page: '/base/alert/', one: p('alert channel', '预警配置'), many: p('Alert channels', '预警配置'),
  about: p('How people are told.', '通知人员的方式。'),
  start: p('Make a channel, then name it in a rule.', '新建通道，再在规则中引用。'),
  filters: ['directory', 'enabled'], needs: 'write', uses: true, trial: true,
  columns: [COLUMN_NAME, { name: 'kind', label: p('Kind', '类型'), type: 'select', width: '110px' }, COLUMN_DIRECTORY, COLUMN_ENABLED, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY, ENABLED,
    { name: 'kind', type: 'select', required: true, initial: 'email', options: CHANNELS, label: p('Kind', '类型'), help: p('How messages go out; what it needs stands in the settings.', '消息发送方式，所需内容在设置中填写。') },
    { name: 'settings', type: 'map', label: p('Settings', '设置'), help: p('Settings of its kind: host, from and to for e-mail; url for a webhook.', '该类型的设置：邮件为 host、from、to，Webhook 为 url。') },
    { name: 'secret', type: 'secret', label: p('Secret', '密钥'), help: p('Password of e-mail, key that robots and webhooks are signed with, or the whole address of an unsigned robot.', '邮件密码、机器人或 Webhook 的签名密钥，或未签名机器人的完整地址。') },
  ],
}

export const alertRules: Kind = {
  key: 'alert-rules', page: '/dispatch/alert/', one: p('alert rule', '调度预警'), many: p('Schedule alerts', '调度预警'),
  about: p('When people are told, and through which channels.', '何时、通过哪些通道通知。'),
  start: p('Say what is worth an alert, and who is told.', '设定何事预警、通知何人。'),
  filters: ['directory', 'enabled'], needs: 'write', uses: true,
  columns: [COLUMN_NAME, { name: 'events', label: p('Events', '事件'), type: 'many' }, { name: 'channels', label: p('Channels', '通道'), type: 'refs' }, { name: 'default', label: p('For all', '全局'), type: 'bool', width: '80px' }, COLUMN_ENABLED, COLUMN_UPDATED],
  fields: [
    NAME, DESCRIPTION, DIRECTORY, ENABLED,
    { name: 'events', type: 'many', required: true, initial: ['execution_failed'], options: EVENTS, label: p('Events', '事件'), help: p('Each cause is told once.', '同一原因只通知一次。') },
    { name: 'channels', type: 'refs', to: 'alert-channels', label: p('Channels', '通道'), help: p('All of them are told. Without any the alert stands on the page alone.', '通知全部通道；未选择时仅在页面显示。') },
    { name: 'escalation', type: 'escalation', empty: null, label: p('Escalation', '升级'), help: p('Who is told in addition when nobody acknowledges the alert in time, unless it is over by then. A minute to 7 days.', '限时内无人确认且问题未消除时，另行通知的通道。1 分钟到 7 天。') },
    { name: 'default', type: 'bool', initial: false, label: p('For everything', '适用于全部'), help: p('Holds for all schedules, not only for those that name it.', '适用于所有调度，而不仅是引用它的调度。') },
  ],
}

/** Values of fields as short texts. */
import type { ColumnOf, Field, FieldType, Item } from './types'
import { isZh } from '@/state/prefs'
import { say, t } from '@/i18n'
import { timeText } from '@/lib/time'

type AnyType = FieldType | NonNullable<ColumnOf['type']>

const nameOf = (value: unknown): string =>
  value && typeof value === 'object' && 'name' in value ? String((value as { name: unknown }).name) : String(value ?? '')

/** A dependency: `load`, `clean/orders`, `load (failure, -1d)`. */
export function dependencyText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const it = value as { job: unknown; on?: string; offset_days?: number; wait_limit?: string | null }
  const more = [
    it.on && it.on !== 'success' ? t(`form.${it.on}`) : '',
    it.offset_days ? `${it.offset_days > 0 ? '+' : ''}${it.offset_days}${isZh.value ? ' 天' : 'd'}` : '',
    it.wait_limit ? `≤ ${it.wait_limit}` : '',
  ].filter(Boolean)
  return more.length ? `${nameOf(it.job)} (${more.join(', ')})` : nameOf(it.job)
}

/** A trigger in a few words. */
export function triggerText(value: unknown): string {
  if (typeof value === 'string') return value
  const it = (value ?? {}) as Record<string, unknown>
  if (it['cron']) return String(it['cron']) + (it['dialect'] && it['dialect'] !== 'unix' ? ` (${String(it['dialect'])})` : '')
  if (it['every']) return isZh.value ? `每 ${String(it['every'])}` : `every ${String(it['every'])}`
  if (it['days']) return `${typeof it['days'] === 'string' ? it['days'] : JSON.stringify(it['days'])} @ ${(it['at'] as string[] | undefined)?.join(', ') ?? ''}`
  if (it['file']) return isZh.value ? `文件 ${nameOf(it['file'])}` : `file ${nameOf(it['file'])}`
  if (it['data_date_of']) return `${isZh.value ? '数据日期' : 'data date of'} ${(it['data_date_of'] as unknown[]).map(nameOf).join(', ')}`
  return JSON.stringify(value ?? '')
}

function sourceText(item: Item): string {
  const sql = item['sql'] as { data_source?: unknown; query?: string; column?: string | null; type?: string } | null | undefined
  const context = item['context'] as { of?: string } | null | undefined
  if (sql) {
    const more = [sql.column ?? '', sql.type && sql.type !== 'text' ? sql.type : ''].filter(Boolean)
    return `${nameOf(sql.data_source)}: ${sql.query ?? ''}${more.length ? ` → ${more.join(', ')}` : ''}`
  }
  if (context) return `$${context.of ?? ''}`
  return String(item['value'] ?? '')
}

/** What a job does, a line for each part: a command as it is, all else after the name of its kind. */
function workText(item: Item): string {
  const part = ([name, value]: [string, unknown]) => (value && typeof value === 'object' ? Object.entries(value).map(([key, it]) => `${name}.${key}: ${String(it)}`) : [`${name}: ${String(value)}`])
  const rest = (it: Record<string, unknown>, ...but: string[]) =>
    Object.entries(it).filter(([name, value]) => !but.includes(name) && value !== '' && value !== null && value !== false).flatMap(part)
  const http = item['http'] as Record<string, unknown> | null | undefined
  const sql = item['sql'] as Record<string, unknown> | null | undefined
  const kettle = item['kettle'] as Record<string, unknown> | null | undefined
  if (http) return [`HTTP ${String(http['method'] ?? 'GET')} ${String(http['url'])}`, ...rest(http, 'method', 'url')].join('\n')
  if (sql) return [`SQL @ ${nameOf(sql['data_source'])}`, ...rest(sql, 'data_source', 'statement'), String(sql['statement'])].join('\n')
  if (kettle) return [`Kettle ${String(kettle['tool'] ?? 'kitchen')} ${String(kettle['file'] || kettle['name'] || '')}`, ...rest(kettle, 'tool')].join('\n')
  return String(item['command'] ?? '')
}

export function valueText(type: AnyType, value: unknown, item: Item, options?: Field['options']): string {
  if (type === 'source') return sourceText(item)
  if (type === 'work') return workText(item)
  if (value === null || value === undefined || value === '') return ''
  const word = (it: unknown) => {
    const label = options?.find((option) => option.value === it)?.label
    return label ? say(label) : String(it)
  }
  switch (type) {
    case 'bool': return value ? t('common.yes') : t('common.no')
    case 'ref': return nameOf(value)
    case 'refs': return (value as unknown[]).map(nameOf).join(', ')
    case 'many': return (value as unknown[]).map(word).join(t('check.comma'))
    case 'select': return word(value)
    case 'codes': case 'words': return (value as unknown[]).join(', ')
    case 'dates': {
      const dates = value as string[]
      return dates.length > 4 ? `${dates.slice(0, 4).join(', ')} … (${dates.length})` : dates.join(', ')
    }
    case 'map': case 'params': return Object.entries(value as object).map(([key, it]) => `${key}=${paramText(it)}`).join(', ')
    case 'conditions': return (value as { at: string; is?: string; values?: string[] }[]).map((it) => `${it.at || '/'} ${t(`hook.test_${it.is ?? 'equals'}`)} ${(it.values ?? []).join(' | ')}`.trim()).join('; ')
    case 'dependencies': return (value as unknown[]).map(dependencyText).join(', ')
    case 'retry': {
      const it = value as { max: number; delay?: string | null; backoff?: number | null; cap?: string | null }
      return [`${it.max}×`, it.delay ?? '', it.backoff && it.backoff !== 1 ? `× ${it.backoff}` : '', it.cap ? `≤ ${it.cap}` : ''].filter(Boolean).join(' ')
    }
    case 'trigger': return triggerText(value)
    case 'deadline': return typeof value === 'string' ? value : `+${(value as { days: number }).days}d ${(value as { at: string }).at}`
    case 'escalation': return `${(value as { after: string }).after} → ${(value as { channels: string[] }).channels.join(', ')}`
    case 'window': return `${(value as { from: string }).from}–${(value as { to: string }).to}`
    case 'filter': return typeof value === 'string' ? value : JSON.stringify(value)
    case 'instant': case 'time': return timeText(String(value))
    case 'secret': return '••••'
    default: return typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
}

/** Where the value of a param comes from. */
export function paramText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (!('output' in value)) return t('form.shared')
  const { output, name, default: otherwise } = value as { output: string | number; name?: string | null; default?: string | null }
  const of = `${t('form.outputOf')} ${output}${name ? ` (${name})` : ''}`
  return typeof otherwise === 'string' ? `${of}, ${t('form.otherwise')} ${JSON.stringify(otherwise)}` : of
}

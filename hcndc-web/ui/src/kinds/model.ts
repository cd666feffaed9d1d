/** From a definition to what a form holds, and back to what the server is sent. */
import type { Field, FieldType, Item, Kind } from './types'

export type Model = Record<string, unknown>

const INITIAL: Partial<Record<FieldType, unknown>> = {
  bool: false, many: [], refs: [], words: [], map: {}, params: {}, codes: [], dates: [], dependencies: [], permissions: [], conditions: [],
}

const copy = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T))

/** What a form begins with. */
export function modelOf(kind: Kind, item: Item | null, given: Model = {}): Model {
  const model: Model = {}
  for (const field of kind.fields) {
    if (field.type === 'source') {
      Object.assign(model, sourceOf(item))
      continue
    }
    if (field.type === 'work') {
      Object.assign(model, workOf(item))
      continue
    }
    const stored = item?.[field.name]
    if (item && stored !== undefined && field.type !== 'secret') model[field.name] = copy(plain(field, stored))
    else model[field.name] = copy(given[field.name] ?? field.initial ?? INITIAL[field.type] ?? null)
  }
  return model
}

/** A reference that the server tells with id and name is written by its name. */
function plain(field: Field, value: unknown): unknown {
  if (field.type === 'ref' && value && typeof value === 'object' && 'name' in value) return (value as { name: string }).name
  return value
}

/** A shared param has one of three. */
function sourceOf(item: Item | null): Model {
  return { value: item?.['value'] ?? null, sql: copy(item?.['sql'] ?? null), context: copy(item?.['context'] ?? null) }
}

/** A job does one of four things. */
export const WORKS = ['http', 'sql', 'kettle'] as const
function workOf(item: Item | null): Model {
  return { command: item?.['command'] ?? '', ...Object.fromEntries(WORKS.map((it) => [it, copy(item?.[it] ?? null)])) }
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === ''

/** What the server is sent; `version` is that which was read. */
export function bodyOf(kind: Kind, model: Model, item: Item | null): Model {
  const body: Model = {}
  for (const field of kind.fields) {
    if (field.type === 'source') {
      const asked = ['sql', 'context'].find((it) => !isEmpty(model[it]))
      // A text may be empty.
      body[asked ?? 'value'] = asked ? copy(model[asked]) : String(model['value'] ?? '')
      continue
    }
    if (field.type === 'work') {
      for (const name of ['command', ...WORKS]) if (!isEmpty(model[name])) body[name] = copy(model[name])
      continue
    }
    if (item && (field.fixed || field.onlyNew)) continue
    if (field.when && !field.when(model)) continue
    const value = model[field.name]
    if (!isEmpty(value)) body[field.name] = copy(value)
    else if (field.empty !== undefined) body[field.name] = field.name === 'directory' ? '/' : field.empty
  }
  if (item?.version !== undefined) body['version'] = item.version
  return body
}

/** The field at which a fault is to be shown: the first step of its path, or the name that its message quotes. */
export function fieldOfFault(fault: { field: string; code?: string; message: string }, kind: Kind): string | null {
  const step = fault.field.split(/[.[]/)[0] ?? ''
  const names = kind.fields.map((it) => it.name)
  // A circle is of the whole mesh; here it comes of what this one waits for.
  if (fault.code === 'cycle') return names.find((it) => it === 'depends_on' || it === 'parents') ?? null
  if (names.includes(step)) return step
  const quoted = /[`“]([a-z_]+)[`”]/.exec(fault.message)?.[1]
  if (quoted && names.includes(quoted)) return quoted
  if (['http', 'sql', 'kettle'].includes(step) && names.includes('command')) return 'command'
  if (['sql', 'context', 'value'].includes(step) && names.includes('value')) return 'value'
  return null
}

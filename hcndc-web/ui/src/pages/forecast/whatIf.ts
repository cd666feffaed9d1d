/** Changes that a forecast is asked to take as made, and what it says of them. */
import type { Forecast } from './forecast'
import { draftOf } from '@/lib/drafts'
import { KINDS } from '@/kinds'
import type { Field, Kind } from '@/kinds/types'

/** As the server takes it. */
export interface Edit {
  kind: string
  target?: string | number
  put?: Record<string, unknown>
  patch?: Record<string, unknown>
  delete?: boolean
}

export interface Change {
  /** What is changed: `schedules`, and its name. */
  kind: string
  name: string
  /** Names of the fields, or none for a whole definition. */
  fields: string[]
  /** The new value in words, of a change of one field. */
  value?: string
  edit: Edit
  /** The form that it comes from. */
  back?: string
}

export interface Times {
  started_at: string | null
  ended_at: string | null
}

export interface MovedFlow {
  flow: string
  data_date: string
  before: Times | null
  after: Times | null
}

export interface Fire {
  fire_time: string
  schedule: string
  data_date: string
}

export interface Differences {
  flows: MovedFlow[]
  fires_gone: Fire[]
  fires_added: Fire[]
  newly_missed: Forecast['missed_deadlines']
  no_longer_missed: Forecast['missed_deadlines']
  last_end_before: string | null
  last_end_after: string | null
}

/** With and without the changes. */
export interface WhatIf extends Forecast {
  before?: Forecast
  changes?: Differences
}

export const FORECAST_KINDS: Kind[] = KINDS.filter((it) => it.forecast)

/** What is only told to people makes no difference. */
const TOLD_ONLY = new Set(['name', 'description', 'directory', 'owner', 'address', 'alerts', 'command', 'http', 'sql', 'kettle', 'workdir', 'env', 'params', 'success_codes'])
export const fieldsThatMatter = (kind: Kind): Field[] => kind.fields.filter((it) => !TOLD_ONLY.has(it.name) && !it.fixed && it.type !== 'secret')

/** The change that a form was left with: `jobs:12`, `flows:new`. */
export function changeOfDraft(text: string): Change | null {
  const [key = '', number] = text.split(':')
  const kind = FORECAST_KINDS.find((it) => it.key === key)
  const id = number === 'new' ? null : Number(number)
  const draft = kind ? draftOf(key, id) : null
  if (!kind || !draft) return null
  const edit: Edit = { kind: key, put: draft.body }
  if (id !== null) edit.target = id
  return { kind: key, name: draft.name, fields: draft.changed, edit, back: id === null ? `${kind.page}new/` : `${kind.page}${id}/edit/` }
}

/** By how much something comes later, in milliseconds; `null` where one of the two is not in sight. */
export function later(before: string | null | undefined, after: string | null | undefined): number | null {
  return before && after ? Date.parse(after) - Date.parse(before) : null
}

/** Flow runs whose ends move most first; those that come or go before all others. */
export function byWeight(flows: MovedFlow[]): MovedFlow[] {
  const weight = (it: MovedFlow) => {
    if (!it.before || !it.after) return Infinity
    const moved = later(it.before.ended_at, it.after.ended_at) ?? later(it.before.started_at, it.after.started_at)
    return Math.abs(moved ?? 0)
  }
  return [...flows].sort((a, b) => weight(b) - weight(a) || a.flow.localeCompare(b.flow) || a.data_date.localeCompare(b.data_date))
}

/** Faults that the server tells of a draft: what is sent to be told them, and the fields at which they are shown. */
import { bodyOf, fieldOfFault, WORKS, type Model } from './model'
import type { Item, Kind } from './types'
import type { Fault, Problem } from '@/api/problem'
import type { DraftEdit } from '@/lib/useDraftCheck'

/**
 * What stands for a secret that has been entered. The secret itself leaves the form only when it is saved. It is an address, for
 * the secret of an alert channel may be one.
 */
const STAND_IN = 'https://not-sent.invalid/'

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length)

/**
 * What the server is asked about. A text that is needed and that nobody has come to yet is there for now: what is wrong with the
 * others is told already.
 */
export function draftToCheck(kind: Kind, model: Model, item: Item | null, came: ReadonlySet<string>): DraftEdit {
  const put = bodyOf(kind, model, item)
  for (const field of kind.fields) {
    if (field.type === 'secret' && put[field.name]) put[field.name] = STAND_IN
    if (field.required && ['text', 'command'].includes(field.type) && isEmpty(model[field.name]) && !came.has(field.name)) put[field.name] = 'x'
    if (field.type === 'work' && !came.has('command') && ['command', ...WORKS].every((it) => isEmpty(model[it]))) put['command'] = 'x'
  }
  return item ? { kind: kind.key, target: item.id, put } : { kind: kind.key, put }
}

/** What to mend. */
export interface Told {
  /** By field. */
  fields: Record<string, string>
  /** What no field stands for. */
  rest: string[]
}

const said = (fault: Fault): string => [fault.message, fault.remedy].filter(Boolean).join(' — ')

/**
 * A problem's faults by field. Those of fields that are empty because nobody has come to them yet are kept back; `came` tells
 * which ones somebody has come to.
 */
export function toldOf(kind: Kind, problem: Problem | null, model: Model, came?: ReadonlySet<string>): Told {
  const told: Told = { fields: {}, rest: [] }
  for (const fault of problem?.faults ?? []) {
    const field = fieldOfFault(fault, kind)
    if (!field) {
      told.rest.push(said(fault))
      continue
    }
    if (came && !came.has(field) && isEmpty(model[field])) continue
    told.fields[field] = [told.fields[field], said(fault)].filter(Boolean).join('; ')
  }
  if (problem && !problem.faults.length) told.rest.push(problem.detail || problem.title)
  return told
}

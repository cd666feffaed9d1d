/** What of a job's form differs from what is stored, as one edit takes it: a field as a whole, null for what it is by itself. */
import { bodyOf, modelOf, type Model } from '@/kinds/model'
import { jobs } from '@/kinds/running'
import type { Field, Item } from '@/kinds/types'

/** Told elsewhere in the editor. */
const ELSEWHERE = ['flow', 'name', 'enabled', 'depends_on']

export const formFields = (advanced: boolean): Field[] => jobs.fields.filter((it) => !ELSEWHERE.includes(it.name) && !!it.advanced === advanced)

/** The form of a job with what the draft says of it. */
export function formOf(item: Item | null, set: Readonly<Record<string, unknown>>): Model {
  const model = modelOf(jobs, item)
  for (const [field, value] of Object.entries(set)) model[field] = value === null ? (modelOf(jobs, null)[field] ?? null) : JSON.parse(JSON.stringify(value))
  return model
}

export function setOf(item: Item | null, model: Model): Record<string, unknown> {
  const before = bodyOf(jobs, modelOf(jobs, item), item)
  const after = bodyOf(jobs, model, item)
  const set: Record<string, unknown> = {}
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (ELSEWHERE.includes(field) || field === 'version' || JSON.stringify(before[field]) === JSON.stringify(after[field])) continue
    set[field] = after[field] ?? null
  }
  return set
}

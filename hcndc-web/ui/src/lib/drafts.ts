/** What is written in a form and not saved yet, kept in this tab: to look at what it would do, and to come back to. */
import type { Model } from '@/kinds/model'

export interface Draft {
  /** The kind's key, such as `jobs`. */
  kind: string
  /** Which one; `null` for a new one. */
  id: number | null
  name: string
  /** The version that it was made from: a save of another one is refused as stale. */
  version: number | null
  /** What the form holds, and what it would send. */
  model: Model
  body: Model
  /** Names of the fields that differ from what is stored. */
  changed: string[]
}

const place = (kind: string, id: number | null) => `hcndc.draft.${kind}.${id ?? 'new'}`

export function keepDraft(draft: Draft): void {
  sessionStorage.setItem(place(draft.kind, draft.id), JSON.stringify(draft))
}

export function draftOf(kind: string, id: number | null): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(place(kind, id)) ?? 'null') as Draft | null
  } catch {
    return null
  }
}

export function dropDraft(kind: string, id: number | null): void {
  sessionStorage.removeItem(place(kind, id))
}

/** What the server knows of the versions of a definition. */
import type { Item, Kind } from './types'
import { get, type Query } from '@/api/http'
import type { Page } from '@/lib/useList'

export interface HistoryEntry {
  id: number
  at: string
  account: string
  address?: string | null
  method: string
  action: string
  name: string
  version?: number | null
  before: Item | null
  after: Item | null
}

/** Those who may do something are no definitions: what was done to them stands in the audit trail alone. */
const PEOPLE: Record<string, string> = { users: 'user', roles: 'role', tokens: 'token' }

export function historyOf(kind: Kind, id: number, query: Query): Promise<Page<HistoryEntry>> {
  const person = PEOPLE[kind.key]
  return person ? get('/audit', { kind: person, id, ...query }) : get(`/${kind.key}/${id}/history`, query)
}

/** The version that an entry of the trail tells, to fill a form with. */
export async function versionOf(kind: Kind, id: number, entry: number): Promise<HistoryEntry | null> {
  const page = await get<Page<HistoryEntry>>(`/${kind.key}/${id}/history`, { entry })
  return page.items[0] ?? null
}

/** Sheets of definitions: what is sent, and what comes of it. */
import { API, call } from '@/api/http'
import { ProblemError, problemOf } from '@/api/problem'

export type SheetKind = 'flows' | 'jobs'

export interface AppliedRow {
  row: number
  name: string
  outcome: 'created' | 'changed' | 'unchanged'
  changes: { column: string; before: string; after: string }[]
}

export interface Applied {
  dry_run: boolean
  created: number
  changed: number
  unchanged: number
  rows: AppliedRow[]
  notes: string[]
}

const TYPES: Record<string, string> = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xls: 'application/vnd.ms-excel',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
}

/** What a file is, by its name. The server looks at what is in it. */
export function mediaType(name: string): string {
  return TYPES[name.split('.').pop()?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}

/** A cell as workbooks name it, `C5`; columns and rows from 1. */
export function cellName(column: number | null | undefined, row: number | null | undefined): string {
  let letters = ''
  for (let rest = column ?? 0; rest > 0; rest = Math.floor((rest - 1) / 26)) letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters
  return `${letters}${row ?? ''}`
}

/** Has the server look at a sheet, or write what it says. */
export async function send(kind: SheetKind, file: File, dryRun: boolean): Promise<Applied> {
  const url = new URL(`${API}/sheets/${kind}`, location.origin)
  if (dryRun) url.searchParams.set('dry_run', 'true')
  const body = await file.arrayBuffer()
  const response = await call(new Request(url, { method: 'POST', body, headers: { 'content-type': mediaType(file.name) } }))
  if (!response.ok) throw new ProblemError(await problemOf(response))
  return (await response.json()) as Applied
}

/** The output of job runs: reading it, and its colours (ECMA-48, 8.3.117). */
import { API, address, call } from '@/api/http'
import { ProblemError, problemOf } from '@/api/problem'

export interface Style {
  color: number | null
  bold: boolean
}
export interface Piece extends Style {
  text: string
}

const SEQUENCE = /\u001b\[([0-9;]*)([A-Za-z])|\u001b\][^\u0007]*(?:\u0007|$)/g

/** A line in pieces of one colour; sequences that move a cursor are left out. */
export function ansi(text: string): Piece[] {
  if (!text.includes('\u001b')) return [{ text, color: null, bold: false }]
  const pieces: Piece[] = []
  let style: Style = { color: null, bold: false }
  let from = 0
  for (const match of text.matchAll(SEQUENCE)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), ...style })
    from = match.index + match[0].length
    if (match[2] === 'm') style = styled(style, match[1] ?? '')
  }
  if (from < text.length) pieces.push({ text: text.slice(from), ...style })
  return pieces
}

function styled(style: Style, codes: string): Style {
  let next = { ...style }
  const numbers = codes.split(';').map(Number)
  for (let i = 0; i < numbers.length; i += 1) {
    const code = numbers[i] ?? 0
    if (code === 0) next = { color: null, bold: false }
    else if (code === 1) next.bold = true
    else if (code === 22) next.bold = false
    else if (code === 39) next.color = null
    else if (code >= 30 && code <= 37) next.color = code - 30
    else if (code >= 90 && code <= 97) next.color = code - 90 + 8
    // Colours by number or by parts have arguments of their own, which must not be read as codes.
    else if (code === 38 || code === 48) i += numbers[i + 1] === 5 ? 2 : 4
  }
  return next
}

export const plain = (text: string): string => text.replace(SEQUENCE, '')

export interface LogQuery {
  attempt?: number | null
  stream?: string
  from?: number
  follow?: boolean
  limit_bytes?: number
}

export const logAddress = (run: number, query: LogQuery): string => address(`${API}/job-runs/${run}/log`, { ...query })

/** The answer that holds a log. */
export async function readLog(run: number, query: LogQuery, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = signal ? { signal } : {}
  const response = await call(new Request(new URL(logAddress(run, query), location.origin), init))
  if (!response.ok) throw new ProblemError(await problemOf(response))
  return response
}

/** The last lines that are not empty. */
export async function lastLines(run: number, count: number): Promise<string[]> {
  const TAIL = 16 * 1024
  let response = await readLog(run, { limit_bytes: TAIL })
  let text = await response.text()
  let next = Number(response.headers.get('x-next-position') ?? 0)
  // The length is not known beforehand: on from piece to piece, but not through logs of any size.
  for (let i = 0; i < 64 && next > 0; i += 1) {
    response = await readLog(run, { from: next, limit_bytes: 1024 * 1024 })
    const more = await response.text()
    if (!more) break
    text = (text + more).slice(-TAIL)
    next = Number(response.headers.get('x-next-position') ?? 0)
  }
  return text.split('\n').map((it) => it.trimEnd()).filter(Boolean).slice(-count)
}

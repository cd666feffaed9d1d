/** Requests to the server: the caller's language, the guard against forged requests, and what follows a lost sign-in. */
import { prefs } from '@/state/prefs'
import { askToSignIn, csrfToken } from '@/state/session'
import { ProblemError, problemOf } from './problem'

export const API = '/api/v1'

export type Query = Record<string, string | number | boolean | null | undefined>

/**
 * `fetch` with all that our requests have in common. A request that meets 401 waits until someone has signed in again, unless it
 * is quiet.
 */
export async function call(input: Request, quiet = false): Promise<Response> {
  for (;;) {
    const request = input.clone()
    request.headers.set('accept-language', prefs.locale)
    if (!['GET', 'HEAD'].includes(request.method) && csrfToken()) {
      request.headers.set('x-csrf-token', csrfToken())
    }
    const response = await fetch(request)
    if (quiet || response.status !== 401 || new URL(request.url).pathname === `${API}/session`) return response
    await askToSignIn()
  }
}

/** An address with its query; what is empty is left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

export interface Options {
  query?: Query
  body?: unknown
  signal?: AbortSignal | undefined
  /** For what nobody has asked for by hand: a lost sign-in is only a failure of this request, and asks nobody. */
  quiet?: boolean
  headers?: Record<string, string>
}

/** Asks the server; gives the answer's JSON, or throws a `ProblemError`. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const init: RequestInit = { method, headers: { ...options.headers } }
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body)
    init.headers = { ...options.headers, 'content-type': 'application/json' }
  }
  if (options.signal) init.signal = options.signal
  const url = new URL(address(API + path, options.query), location.origin)
  const response = await call(new Request(url, init), options.quiet)
  if (!response.ok) throw new ProblemError(await problemOf(response))
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as T
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  request<T>('GET', path, { query: query ?? {}, signal })
export const post = <T>(path: string, body?: unknown): Promise<T> => request<T>('POST', path, { body })

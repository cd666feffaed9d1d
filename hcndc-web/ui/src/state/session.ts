/** Who is signed in, and what they may do. */
import { computed, reactive } from 'vue'
import { prefs } from './prefs'
import { ProblemError, problemOf } from '@/api/problem'

export type Permission = 'read' | 'write' | 'execute' | 'schedule' | 'admin'

export interface Session {
  account: string
  name: string
  permissions: Permission[]
  roles: string[]
  directories?: string[]
  must_change_password: boolean
  /** Who vouches for them; whoever is not local has no password here. */
  origin?: 'local' | 'ldap' | 'oidc'
  csrf: string
  expires_at?: string | null
  /** `open`: the server asks nobody to sign in. */
  access: 'users' | 'open'
}

const EVERYTHING: Permission[] = ['read', 'write', 'execute', 'schedule', 'admin']

interface State {
  session: Session | null
  /** Whether the dialog asks to sign in again. */
  asking: boolean
}

export const sessionState = reactive<State>({ session: null, asking: false })

export const session = computed(() => sessionState.session)
export const csrfToken = (): string => sessionState.session?.csrf ?? ''

/** Whether whoever is signed in may do such things. */
export const can = (permission: Permission): boolean => sessionState.session?.permissions.includes(permission) ?? false

let waiting: { done: Promise<void>; resolve: () => void } | null = null

/** Asks to sign in again, over the page as it is; resolves once that is done. */
export function askToSignIn(): Promise<void> {
  if (!waiting) {
    let resolve = () => {}
    const done = new Promise<void>((it) => (resolve = it))
    waiting = { done, resolve }
    sessionState.asking = true
  }
  return waiting.done
}

function signedIn(session: Session): void {
  sessionState.session = session
  sessionState.asking = false
  waiting?.resolve()
  waiting = null
}

/** How one may sign in. */
export interface Ways {
  password: boolean
  directory: boolean
  oidc: { label: string; start: string } | null
}

/** How one may sign in here; by password if the server does not say. */
export async function loadWays(): Promise<Ways> {
  try {
    const response = await fetch('/api/v1/session/ways')
    if (response.ok) return (await response.json()) as Ways
  } catch {
    // Whoever tries to sign in is told that the server is away.
  }
  return { password: true, directory: false, oidc: null }
}

async function ask(method: string, path: string, body?: unknown): Promise<Session> {
  const headers: Record<string, string> = { 'accept-language': prefs.locale }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (csrfToken()) headers['x-csrf-token'] = csrfToken()
  const init: RequestInit = { method, headers }
  if (body !== undefined) init.body = JSON.stringify(body)
  const response = await fetch(`/api/v1${path}`, init)
  if (!response.ok) throw new ProblemError(await problemOf(response))
  return (response.status === 204 ? null : await response.json()) as Session
}

let looking: Promise<boolean> | null = null

/** Looks who is signed in; `false` if nobody is. Asked by several at once, it looks once. */
export function loadSession(): Promise<boolean> {
  looking ??= look().finally(() => (looking = null))
  return looking
}

async function look(): Promise<boolean> {
  try {
    signedIn(await ask('GET', '/session'))
    return true
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'unknown_route') {
      // A server that knows no users asks nobody.
      const open: Session = {
        account: 'api', name: '', permissions: EVERYTHING, roles: [], must_change_password: false, csrf: '', access: 'open',
      }
      signedIn(open)
      return true
    }
    return false
  }
}

export async function signIn(account: string, password: string): Promise<void> {
  signedIn(await ask('POST', '/session', { account, password }))
}

export async function changePassword(old: string, fresh: string): Promise<void> {
  signedIn(await ask('PUT', '/session/password', { old, new: fresh }))
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session')
  sessionState.session = null
}

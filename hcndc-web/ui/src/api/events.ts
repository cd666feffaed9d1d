/** What happens, as the server tells it: one stream for the page, however many parts of it listen. */
import { onScopeDispose } from 'vue'
import { API } from './http'

export interface LiveEvent {
  /** `open`: the stream begins, so what was read before may be older than what it tells first. `gap`: some of it was missed. */
  kind: 'job_run' | 'flow_run' | 'execution' | 'gap' | 'open'
  execution?: number
  at?: string
  job_run?: number
  flow_run?: number
  from?: string | null
  to?: string
}

type Listener = (event: LiveEvent) => void

const listeners = new Set<Listener>()
let source: EventSource | null = null
let later = 0

/** How long the stream stays without anybody who listens, in milliseconds: the next page takes it over. */
export const LINGER = 5_000
/** When a stream that was refused is tried again, in milliseconds; one that broke is taken up by the browser. */
export const AGAIN = 15_000

function close(): void {
  source?.close()
  source = null
}

function open(): void {
  close()
  const opened = new EventSource(`${API}/events`)
  source = opened
  opened.addEventListener('open', () => {
    for (const listener of listeners) listener({ kind: 'open' })
  })
  opened.addEventListener('error', () => {
    // Nobody is signed in, or a proxy says that the server is away: the browser gives up then.
    if (opened !== source || opened.readyState !== EventSource.CLOSED) return
    window.clearTimeout(later)
    later = window.setTimeout(open, AGAIN)
  })
  for (const kind of ['job_run', 'flow_run', 'execution', 'gap'] as const) {
    opened.addEventListener(kind, (message) => {
      const data = (message as MessageEvent<string>).data
      const event: LiveEvent = { ...(data ? (JSON.parse(data) as object) : {}), kind }
      for (const listener of listeners) listener(event)
    })
  }
}

/** Calls back for each event while the component lives. */
export function useEvents(listener: Listener): void {
  listeners.add(listener)
  window.clearTimeout(later)
  if (source?.readyState !== EventSource.OPEN && source?.readyState !== EventSource.CONNECTING) open()
  onScopeDispose(() => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    window.clearTimeout(later)
    later = window.setTimeout(close, LINGER)
  })
}

/**
 * Refreshes when something happens that concerns the component: at once, then at most once in `every` milliseconds, so that
 * a busy night makes no storm of requests; while the page is hidden not at all, and once when it is seen again.
 */
export function useLive(refresh: () => unknown, concerns: (event: LiveEvent) => boolean = () => true, every = 1500): void {
  let due = false
  let busy = false
  let timer = 0
  const run = async () => {
    if (busy || document.hidden) return
    due = false
    busy = true
    try {
      await refresh()
    } finally {
      timer = window.setTimeout(() => {
        busy = false
        if (due) void run()
      }, every)
    }
  }
  useEvents((event) => {
    if (event.kind !== 'gap' && event.kind !== 'open' && !concerns(event)) return
    due = true
    void run()
  })
  const seen = () => {
    if (!document.hidden && due) void run()
  }
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    window.clearTimeout(timer)
    document.removeEventListener('visibilitychange', seen)
  })
}

/** What happens, as the server tells it: one stream for the page, however many parts of it listen. */
import { onScopeDispose } from 'vue'
import { API } from './http'

export interface LiveEvent {
  kind: 'job_run' | 'flow_run' | 'execution' | 'gap'
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

function open(): void {
  source = new EventSource(`${API}/events`)
  for (const kind of ['job_run', 'flow_run', 'execution', 'gap'] as const) {
    source.addEventListener(kind, (message) => {
      const data = (message as MessageEvent<string>).data
      const event: LiveEvent = { ...(data ? (JSON.parse(data) as object) : {}), kind }
      for (const listener of listeners) listener(event)
    })
  }
}

/** Calls back for each event while the component lives. */
export function useEvents(listener: Listener): void {
  listeners.add(listener)
  if (!source) open()
  onScopeDispose(() => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      source?.close()
      source = null
    }
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
    if (event.kind !== 'gap' && !concerns(event)) return
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

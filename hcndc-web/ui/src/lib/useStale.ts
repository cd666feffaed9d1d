/** Figures that cost the server much: asked for again only while somebody looks, and only when they can have changed. */
import { onScopeDispose } from 'vue'
import { useEvents } from '@/api/events'
import { request } from '@/api/http'

/** How often it is asked whether something has changed, in milliseconds. */
export const EVERY = 600_000
/** After so long they are asked for anyway: time itself moves them, and not every change is seen by this. */
export const AT_LAST = 3_600_000

/** When flows, jobs and schedules were changed last; their newest rows alone are read. */
async function lastChanges(): Promise<string> {
  const newest = async (kind: string) => {
    const page = await request<{ items: { updated_at?: string }[] }>('GET', `/${kind}`, { query: { sort: '-updated_at', limit: 1 }, quiet: true })
    return page.items[0]?.updated_at ?? ''
  }
  return (await Promise.all(['flows', 'jobs', 'schedules'].map(newest))).join(' ')
}

/**
 * Loads at once, or when the page is first seen. Later it loads again if something has run or was changed, or `moves` says that
 * what is shown changes by itself.
 */
export function useStale(load: () => Promise<unknown>, moves: () => boolean, changes: () => Promise<string> = lastChanges): void {
  let loadedAt = -Infinity
  let lookedAt = -Infinity
  let happened = false
  let stamp: string | null = null
  let busy = false

  async function look() {
    if (busy || document.hidden) return
    busy = true
    try {
      const first = loadedAt === -Infinity
      lookedAt = Date.now()
      const now = await changes().catch(() => null)
      const due = first || happened || moves() || now === null || now !== stamp || lookedAt - loadedAt >= AT_LAST
      if (!due) return
      happened = false
      stamp = now
      loadedAt = lookedAt
      await load()
    } finally {
      busy = false
    }
  }
  useEvents(({ kind }) => {
    if (kind !== 'open') happened = true
  })
  const seen = () => {
    if (!document.hidden && Date.now() - lookedAt >= EVERY) void look()
  }
  const timer = window.setInterval(() => void look(), EVERY)
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', seen)
  })
  void look()
}

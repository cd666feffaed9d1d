/** One page of a list of the server: filters and sort stand in the address, so that a view can be shared. */
import { computed, ref, shallowRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { get, type Query } from '@/api/http'
import { asProblem, type Problem } from '@/api/problem'

export interface Page<Row> {
  items: Row[]
  next_cursor?: string | null
}

export const PAGE_SIZE = 50

export function useList<Row>(path: () => string | null, filters: readonly string[], more: () => Query = () => ({})) {
  const route = useRoute()
  const router = useRouter()
  const rows = shallowRef<Row[] | null>(null)
  const problem = ref<Problem | null>(null)
  const next = ref<string | null>(null)
  /** Cursors of the pages up to this one; the first page has none. */
  const trail = ref<(string | null)[]>([null])
  const busy = ref(false)
  let asked = 0

  const names = [...filters, 'sort']
  const query = computed<Record<string, string>>(() => {
    const values: Record<string, string> = {}
    for (const name of names) {
      const value = route.query[name]
      if (typeof value === 'string' && value) values[name] = value
    }
    return values
  })
  const filtered = computed(() => filters.some((name) => query.value[name]))

  async function load(): Promise<void> {
    const at = path()
    if (!at) return
    const mine = ++asked
    busy.value = true
    try {
      const cursor = trail.value[trail.value.length - 1]
      const page = await get<Page<Row>>(at, { ...more(), ...query.value, limit: PAGE_SIZE, cursor })
      if (mine !== asked) return
      rows.value = page.items
      next.value = page.next_cursor ?? null
      problem.value = null
    } catch (error) {
      if (mine === asked) problem.value = asProblem(error)
    } finally {
      if (mine === asked) busy.value = false
    }
  }

  /** Sets filters; empty ones leave the address. */
  function filter(values: Record<string, string | null | undefined>): void {
    const all = Object.entries({ ...query.value, ...values }).filter((it): it is [string, string] => !!it[1])
    void router.replace({ query: Object.fromEntries(all) })
  }

  function clear(): void {
    void router.replace({ query: query.value['sort'] ? { sort: query.value['sort'] } : {} })
  }

  function forward(): void {
    if (!next.value) return
    trail.value = [...trail.value, next.value]
    void load()
  }

  function back(): void {
    if (trail.value.length < 2) return
    trail.value = trail.value.slice(0, -1)
    void load()
  }

  const place = route.path
  watch(
    [query, () => path()],
    ([now, at], [then, before] = [{}, null]) => {
      // A page that is being left keeps what it shows.
      if (route.path !== place) return
      if (JSON.stringify(now) === JSON.stringify(then) && at === before && rows.value) return
      trail.value = [null]
      void load()
    },
    { immediate: true },
  )

  return { rows, problem, next, trail, busy, query, filtered, load, filter, clear, forward, back }
}

/** What the server tells of durations: day by day, and of a flow's runs. */

export interface PastRun {
  execution: number
  data_date: string
  state: string
  asked_at: string
  started_at: string | null
  ended_at: string | null
  waited_ms: number
  ran_ms: number
}

export interface FlowTrend {
  flow: { id: number; name: string }
  median_ms: number | null
  p95_ms: number | null
  slower: number | null
  runs: PastRun[]
}

export interface TrendDay {
  date: string
  executions: Record<string, number>
  median_ms: number | null
  p95_ms: number | null
  last_end: string | null
}

export interface Trends {
  zone: string
  days: TrendDay[]
  flows: FlowTrend[]
}

/** A run is worth a look from here on, beside what is usual. */
export const SLOW = 1.5

/** Runs as heights of bars between 0 and 1, of those that ended; the newest last. */
export function heights(runs: PastRun[], most = 24): { execution: number; state: string; height: number }[] {
  const shown = runs.filter((it) => it.started_at).slice(-most)
  const longest = Math.max(1, ...shown.map((it) => it.ran_ms))
  return shown.map((it) => ({ execution: it.execution, state: it.state, height: Math.max(0.04, it.ran_ms / longest) }))
}

/** A round unit for an axis of spans, and how many milliseconds it has. */
export function unitOf(longest: number): { ms: number; en: string; zh: string } {
  if (longest >= 3 * 3600e3) return { ms: 3600e3, en: 'h', zh: '小时' }
  if (longest >= 3 * 60e3) return { ms: 60e3, en: 'min', zh: '分' }
  if (longest >= 3e3) return { ms: 1e3, en: 's', zh: '秒' }
  return { ms: 1, en: 'ms', zh: '毫秒' }
}

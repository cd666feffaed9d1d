/** What the server foresees, and how it is laid out in lanes: one for each flow. */

export interface FlowRunSeen {
  flow: string
  started_at: string | null
  ended_at: string | null
  state: string
}

export interface ExecutionSeen {
  schedule: string | null
  trigger: string
  data_date: string
  fire_time: string | null
  started_at: string
  ended_at: string | null
  state: string
  flows: FlowRunSeen[]
}

export interface Forecast {
  from: string
  until: string
  is_cut: boolean
  executions: ExecutionSeen[]
  skipped: { schedule: string; from: string; to: string; reason: string }[]
  missed_deadlines: { schedule: string; fire_time: string; data_date: string; at: string; what: 'start' | 'finish' }[]
}

/** A run of a flow: first it waits for its parents, then it runs. Milliseconds since 1970. */
export interface Piece {
  waits: number
  begins: number
  ends: number
  isOpen: boolean
  state: string
  date: string
}

export interface Lane {
  flow: string
  pieces: Piece[]
}

/** Lanes in the order in which their flows first run; what does not begin in this time waits to the end of it. */
export function lanes(seen: Forecast): Lane[] {
  const until = Date.parse(seen.until)
  const found = new Map<string, Lane>()
  for (const execution of seen.executions) {
    for (const run of execution.flows) {
      const lane = found.get(run.flow) ?? { flow: run.flow, pieces: [] }
      found.set(run.flow, lane)
      lane.pieces.push({
        waits: Date.parse(execution.started_at),
        begins: run.started_at ? Date.parse(run.started_at) : until,
        ends: run.ended_at ? Date.parse(run.ended_at) : until,
        isOpen: !run.ended_at,
        state: run.state,
        date: execution.data_date,
      })
    }
  }
  const first = (lane: Lane) => lane.pieces.reduce((least, it) => Math.min(least, it.begins), Infinity)
  return [...found.values()].sort((a, b) => first(a) - first(b) || a.flow.localeCompare(b.flow))
}

/** Lanes of two forecasts beside each other; what only the first has comes last. */
export function pairs(before: Forecast, after: Forecast): (Lane & { before: Piece[] })[] {
  const old = new Map(lanes(before).map((it) => [it.flow, it.pieces]))
  const both = lanes(after).map((it) => ({ ...it, before: old.get(it.flow) ?? [] }))
  const known = new Set(both.map((it) => it.flow))
  return [...both, ...[...old].filter(([flow]) => !known.has(flow)).map(([flow, pieces]) => ({ flow, pieces: [], before: pieces }))]
}

/**
 * Circles of dependencies, found while one draws. The server has the last word: it also knows what leads through other flows.
 *
 * A tie asks for another job's run of the data date plus `offset` days. A circle whose days add up to zero or more makes a job
 * wait for itself; one that goes back in time ends at the first date, and is none.
 */

export interface Span {
  from: number
  to: number
  offset: number
}

/** The jobs of the circle that a new tie would close, from `tie.from` round to `tie.from` again; null if it closes none. */
export function circleOf(ties: Iterable<Span>, tie: Span): number[] | null {
  if (tie.from === tie.to) return tie.offset >= 0 ? [tie.from, tie.from] : null
  const below = new Map<number, Span[]>()
  let ahead = tie.offset > 0
  for (const it of ties) {
    if (it.from === it.to) continue
    const list = below.get(it.from)
    if (list) list.push(it)
    else below.set(it.from, [it])
    ahead ||= it.offset > 0
  }
  // Where nothing asks for a later date, only what stays on one date can come round.
  if (!ahead) return tie.offset === 0 ? closed(tie, shortest(below, tie.to, tie.from)) : null
  return closed(tie, latest(below, tie))
}

const closed = (tie: Span, way: number[] | null) => (way ? [tie.from, ...way] : null)

/** The shortest way on one date. */
function shortest(below: Map<number, Span[]>, from: number, to: number): number[] | null {
  const cameFrom = new Map<number, number>([[from, from]])
  let round = [from]
  while (round.length) {
    const next: number[] = []
    for (const at of round) {
      for (const it of below.get(at) ?? []) {
        if (it.offset !== 0 || cameFrom.has(it.to)) continue
        cameFrom.set(it.to, at)
        if (it.to === to) return wayTo(cameFrom, from, to)
        next.push(it.to)
      }
    }
    round = next
  }
  return null
}

function wayTo(cameFrom: Map<number, number>, from: number, to: number): number[] {
  const way = [to]
  for (let at = to; at !== from; ) {
    at = cameFrom.get(at) ?? from
    way.push(at)
  }
  return way.reverse()
}

/** A way on which the days, with those of the new tie, add up to zero or more. What is there has no circle, so each way that is latest is simple. */
function latest(below: Map<number, Span[]>, tie: Span): number[] | null {
  const days = new Map<number, number>([[tie.to, 0]])
  const cameFrom = new Map<number, number>([[tie.to, tie.to]])
  const queue = [tie.to]
  const waits = new Set(queue)
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    waits.delete(at)
    // Beyond the end the way would come round through the new tie.
    if (at === tie.from) continue
    const here = days.get(at) ?? 0
    for (const it of below.get(at) ?? []) {
      if (it.to === tie.to || here + it.offset <= (days.get(it.to) ?? -Infinity)) continue
      days.set(it.to, here + it.offset)
      cameFrom.set(it.to, at)
      if (!waits.has(it.to)) {
        waits.add(it.to)
        queue.push(it.to)
      }
    }
  }
  const end = days.get(tie.from)
  return end !== undefined && end + tie.offset >= 0 ? wayTo(cameFrom, tie.to, tie.from) : null
}

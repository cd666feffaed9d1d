/** From what the server draws to a draft, and from a draft to what is drawn. */
import { keyOf, type Draft, type DraftJob, type On, type Stored } from './draft'
import { centred, type Graph, type GraphEdge, type GraphNode } from '@/lib/graph'

export const HEIGHT = 40
const MARGIN = 24

/** The width in which a name is read, as the server reckons it. */
export function widthOf(name: string): number {
  const columns = [...name].reduce((sum, it) => sum + (it.charCodeAt(0) < 128 ? 1 : 2), 0)
  return Math.round(Math.min(280, Math.max(96, columns * 7.5 + 44)))
}

/** Ways of edges, for as long as both of their ends stand where the server put them. */
export type Ways = Map<string, [number, number][]>

const wayKey = (edge: { from: number; to: number }, from: Spot, to: Spot) => `${edge.from}>${edge.to}:${from.x},${from.y},${to.x},${to.y}`
interface Spot {
  x: number
  y: number
}

export function storedOf(told: Graph): Stored {
  const { nodes, edges } = centred(told)
  return {
    jobs: nodes.map((it): DraftJob => ({ id: it.id, name: it.name, enabled: it.enabled !== false, version: it.version ?? null, outside: !!it.outside, set: {}, x: it.x, y: it.y, width: it.width, height: it.height })),
    ties: edges.map((it) => ({ from: it.from, to: it.to, on: (it.on ?? 'success') as On, offset: it.offset_days ?? 0, waitLimit: it.wait_limit ?? null })),
  }
}

/** Keeps the ways of a drawing. */
export function keepWays(ways: Ways, told: Graph): void {
  const { nodes, edges } = centred(told)
  const spots = new Map(nodes.map((it) => [Number(it.id), it]))
  for (const it of edges) {
    const edge = { from: Number(it.from), to: Number(it.to) }
    const [from, to] = [spots.get(edge.from), spots.get(edge.to)]
    if (from && to && it.points && !it.offset_days) ways.set(wayKey(edge, from, to), it.points)
  }
}

/** What is stored, with its jobs where the draft has them; those that were just made by their names. */
export function inPlace(stored: Stored, draft: Draft): Stored {
  const byName = new Map([...draft.jobs.values()].map((it) => [it.name, it]))
  return { ...stored, jobs: stored.jobs.map((it) => {
    const there = draft.jobs.get(it.id) ?? byName.get(it.name)
    return there ? { ...it, x: there.x, y: there.y } : it
  }) }
}

/** A draft as a graph. */
export function graphOf(draft: Draft, ways: Ways): Graph {
  let [left, top, right, bottom] = [0, 0, 0, 0]
  const nodes = [...draft.jobs.values()].map((it): GraphNode => {
    left = Math.min(left, it.x - it.width / 2 - MARGIN)
    top = Math.min(top, it.y - it.height / 2 - MARGIN)
    right = Math.max(right, it.x + it.width / 2 + MARGIN)
    bottom = Math.max(bottom, it.y + it.height / 2 + MARGIN)
    return { id: it.id, name: it.name, x: it.x, y: it.y, width: it.width, height: it.height, enabled: it.enabled, outside: it.outside }
  })
  const edges = [...draft.ties.values()].map((it): GraphEdge => {
    const [from, to] = [draft.jobs.get(it.from), draft.jobs.get(it.to)]
    const points = from && to ? ways.get(wayKey(it, from, to)) : undefined
    return { from: it.from, to: it.to, on: it.on, offset_days: it.offset, ...(points && !it.offset ? { points } : {}) }
  })
  return { left, top, width: right - left, height: bottom - top, nodes, edges }
}

/** What the server is asked to lay out: ids as texts, for new jobs have none of its own; what is of another date leads anywhere. */
export function layoutBody(draft: Draft): { nodes: { id: string; name: string }[]; edges: { from: string; to: string }[] } {
  return {
    nodes: [...draft.jobs.values()].map((it) => ({ id: String(it.id), name: it.name })),
    edges: [...draft.ties.values()].filter((it) => !it.offset && it.from !== it.to).map((it) => ({ from: String(it.from), to: String(it.to) })),
  }
}

/** A free place at or beside a point: no box lies over another. */
export function freeSpot(draft: Draft, width: number, x: number, y: number): Spot {
  const spot = { x: Math.round(x), y: Math.round(y) }
  const taken = (at: Spot) => [...draft.jobs.values()].some((it) => Math.abs(it.x - at.x) < (it.width + width) / 2 + 8 && Math.abs(it.y - at.y) < HEIGHT + 8)
  for (let i = 0; i < 200 && taken(spot); i += 1) spot.x += 40
  return spot
}

/** The edges of a circle that is told by its jobs. */
export function edgesOf(draft: Draft, circle: number[]): Set<string> {
  const pairs = new Set(circle.slice(1).map((to, i) => `${circle[i]}>${to}`))
  return new Set([...draft.ties.values()].filter((it) => pairs.has(`${it.from}>${it.to}`)).map(keyOf))
}

/** The jobs of a circle that the server tells, as far as they are drawn: `flow/job`, with the days that the next one adds as `@+1`. */
export function circleTold(draft: Draft, flow: string, path: string[]): number[] {
  const ids = new Map([...draft.jobs.values()].map((it) => [it.outside ? it.name : `${flow}/${it.name}`, it.id]))
  return path.flatMap((it) => ids.get(it) ?? ids.get(it.replace(/@[+-]\d+$/, '')) ?? [])
}

/** The flows of an execution, some of them unfolded into their jobs: what is to be laid out, and what it looks like then. */
import type { Graph, GraphEdge, GraphNode } from './graph'

export interface Sketch {
  nodes: GraphNode[]
  edges: GraphEdge[]
}

/**
 * An unfolded flow stays as a head above its jobs, so that what holds for the flow as a whole has an end: its parents lead to the
 * head, the head to the jobs that wait for none of their own, and what nothing of it waits for leads on to its children.
 */
export function unfolded(flows: Graph, jobs: Graph, open: ReadonlySet<number>): Sketch {
  const runOf = new Map(flows.nodes.map((it) => [it.flow ?? -1, it.id]))
  const shown = jobs.nodes.filter((it) => open.has(runOf.get(it.flow ?? -1) ?? -1))
  const ids = new Set(shown.map((it) => it.id))
  const owner = new Map(jobs.nodes.map((it) => [it.id, runOf.get(it.flow ?? -1)]))
  const end = (id: number) => (ids.has(id) ? id : owner.get(id))
  const inner = jobs.edges.filter((it) => owner.get(it.from) === owner.get(it.to))
  const waits = new Set(inner.map((it) => it.to))
  const led = new Set(inner.map((it) => it.from))

  const edges = new Map<string, GraphEdge>()
  const add = (from: number | undefined, to: number | undefined, edge: Partial<GraphEdge> = {}) => {
    if (from !== undefined && to !== undefined && from !== to) edges.set(`${from}>${to}`, { ...edge, from, to })
  }
  for (const it of shown) if (!waits.has(it.id)) add(owner.get(it.id), it.id)
  for (const it of jobs.edges) {
    const both = ids.has(it.from) && ids.has(it.to)
    add(end(it.from), end(it.to), both && it.on ? { on: it.on } : {})
  }
  const last = new Map<number, number[]>()
  for (const it of shown) {
    const run = owner.get(it.id)
    if (run !== undefined && !led.has(it.id)) last.set(run, [...(last.get(run) ?? []), it.id])
  }
  for (const it of flows.edges) {
    // Flows whose jobs are tied are tied by these once one of them is unfolded.
    if (it.kind === 'jobs' && (open.has(it.from) || open.has(it.to))) continue
    for (const from of open.has(it.from) ? (last.get(it.from) ?? [it.from]) : [it.from]) add(from, it.to)
  }
  const several = flows.nodes.length > 1
  const nodes = flows.nodes.map((it): GraphNode => ({ ...it, group: !open.has(it.id) }))
  // Below the head of its flow, a job is called by its own name.
  for (const it of shown) nodes.push({ ...it, name: several && it.name.includes('/') ? it.name.slice(it.name.indexOf('/') + 1) : it.name })
  return { nodes, edges: [...edges.values()] }
}

/** What is the same of two sketches that are drawn alike. */
export const shapeKey = ({ nodes, edges }: Sketch): string => `${nodes.map((it) => it.id).join()};${edges.map((it) => `${it.from}>${it.to}`).join()}`

/** Edges without those that lead back to where a walk came from: the rest can be laid out in layers. */
export function acyclic({ nodes, edges }: Sketch): GraphEdge[] {
  const below = new Map<number, GraphEdge[]>()
  for (const it of edges) below.set(it.from, [...(below.get(it.from) ?? []), it])
  const state = new Map<number, 'way' | 'done'>()
  const back = new Set<GraphEdge>()
  for (const { id } of nodes) {
    if (state.has(id)) continue
    state.set(id, 'way')
    const way = [{ id, next: 0 }]
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const edge = below.get(top.id)?.[top.next]
      top.next += 1
      if (!edge) {
        state.set(top.id, 'done')
        way.pop()
      } else if (state.get(edge.to) === 'way') back.add(edge)
      else if (!state.has(edge.to)) {
        state.set(edge.to, 'way')
        way.push({ id: edge.to, next: 0 })
      }
    }
  }
  return edges.filter((it) => !back.has(it))
}

/** A sketch with the places that the server gave. */
export function placed(sketch: Sketch, told: Graph): Graph {
  const places = new Map(told.nodes.map((it) => [Number(it.id), it]))
  const ways = new Map(told.edges.map((it) => [`${it.from}>${it.to}`, it.points]))
  const nodes = sketch.nodes.flatMap((it) => {
    const at = places.get(it.id)
    return at ? [{ ...it, x: at.x + at.width / 2, y: at.y + at.height / 2, width: at.width, height: at.height }] : []
  })
  const edges = sketch.edges.map((it) => {
    const points = ways.get(`${it.from}>${it.to}`)
    return points ? { ...it, points } : it
  })
  return { width: told.width, height: told.height, nodes, edges }
}

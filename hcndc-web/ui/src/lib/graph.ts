/** A graph as the server lays it out, and what is asked of it while one looks: what is up and down from a node, what is at a point. */

export interface GraphNode {
  id: number
  name: string
  /** The middle of the node. */
  x: number
  y: number
  width: number
  height: number
  layer?: number
  state?: string | null
  /** Ids of the flow or job that a run is of. */
  flow?: number | null
  job?: number | null
  enabled?: boolean | null
  /** Not a part of what is looked at: it is shown for what it is tied to. */
  outside?: boolean | null
  /** Of a job: the version that it is at. */
  version?: number | null
  /** Of a flow: how many jobs it has. */
  jobs?: number | null
  /** Of a flow run: its job runs by state. */
  job_runs?: Record<string, number> | null
  /** How many nodes are folded away below it. */
  folded?: number
  /** What stands in it when it is a flow whose jobs are shown as one. */
  group?: boolean
}

export interface GraphEdge {
  from: number
  to: number
  /** `parent` ties flows, `dependency` jobs, `jobs` flows whose jobs are tied. */
  kind?: string | null
  on?: string | null
  /** Of a dependency on another data date: how many days off. */
  offset_days?: number | null
  wait_limit?: string | null
  points?: [number, number][]
}

/** What tells an edge from the others of its graph. */
export const edgeKey = (edge: { from: number; to: number; offset_days?: number | null | undefined }): string => `${edge.from}>${edge.to}@${edge.offset_days ?? 0}`

export interface Graph {
  /** Where it begins, if not at 0. */
  left?: number
  top?: number
  width: number
  height: number
  nodes: GraphNode[]
  edges: GraphEdge[]
}

/** A graph as the server tells it: places of nodes are those of their left upper corners. */
export function centred(told: Graph): Graph {
  return { ...told, nodes: told.nodes.map((it) => ({ ...it, x: it.x + it.width / 2, y: it.y + it.height / 2 })) }
}

export interface View {
  /** What of the graph is at the left upper corner. */
  x: number
  y: number
  /** Pixels for each unit. */
  scale: number
}

export const LEAST = 0.02
export const MOST = 3

/** The ties of each node, both ways. */
export class Ties {
  private readonly down = new Map<number, number[]>()
  private readonly up = new Map<number, number[]>()

  constructor(edges: GraphEdge[]) {
    for (const { from, to } of edges) {
      push(this.down, from, to)
      push(this.up, to, from)
    }
  }

  /** The nodes right below (or above) one. */
  next(id: number, way: 'up' | 'down'): number[] {
    return (way === 'up' ? this.up : this.down).get(id) ?? []
  }

  /** All nodes that are below (or above) one, without itself. */
  reach(id: number, way: 'up' | 'down'): Set<number> {
    const ties = way === 'up' ? this.up : this.down
    const seen = new Set<number>()
    const open = [id]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of ties.get(at) ?? []) {
        if (next !== id && !seen.has(next)) {
          seen.add(next)
          open.push(next)
        }
      }
    }
    return seen
  }
}

function push(map: Map<number, number[]>, key: number, value: number) {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

/** The view that shows the whole graph in a frame. */
export function fit(graph: Graph, width: number, height: number, margin = 24): View {
  const scale = clamp(Math.min((width - 2 * margin) / Math.max(1, graph.width), (height - 2 * margin) / Math.max(1, graph.height)), LEAST, 1.2)
  return { scale, x: (graph.left ?? 0) + graph.width / 2 - width / 2 / scale, y: (graph.top ?? 0) + graph.height / 2 - height / 2 / scale }
}

/** The view after zooming by a factor, so that what is under the pointer stays there. */
export function zoom(view: View, factor: number, px: number, py: number): View {
  const scale = clamp(view.scale * factor, LEAST, MOST)
  return { scale, x: view.x + px / view.scale - px / scale, y: view.y + py / view.scale - py / scale }
}

/** The view with a node in the middle. */
export function focus(view: View, node: GraphNode, width: number, height: number): View {
  const scale = Math.max(view.scale, 0.8)
  return { scale, x: node.x - width / 2 / scale, y: node.y - height / 2 / scale }
}

export function nodeAt(graph: Graph, view: View, px: number, py: number): GraphNode | null {
  const [x, y] = [view.x + px / view.scale, view.y + py / view.scale]
  return graph.nodes.find((it) => Math.abs(it.x - x) <= it.width / 2 && Math.abs(it.y - y) <= it.height / 2) ?? null
}

/** The node that an arrow key leads to: up and down along the ties, sideways to the nearest in the same row. */
export function neighbour(graph: Graph, ties: Ties, from: GraphNode, way: 'up' | 'down' | 'left' | 'right'): GraphNode | null {
  if (way === 'up' || way === 'down') {
    const ids = new Set(ties.next(from.id, way))
    return nearest(graph.nodes.filter((it) => ids.has(it.id) && it.id !== from.id), from)
  }
  const side = way === 'left' ? -1 : 1
  return nearest(graph.nodes.filter((it) => Math.abs(it.y - from.y) < from.height && (it.x - from.x) * side > 0), from)
}

/** The node whose middle is nearest to a point. */
export function nearest(nodes: GraphNode[], to: { x: number; y: number }): GraphNode | null {
  let best: GraphNode | null = null
  let least = Infinity
  for (const it of nodes) {
    const far = (it.x - to.x) ** 2 + (it.y - to.y) ** 2
    if (far < least) [best, least] = [it, far]
  }
  return best
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

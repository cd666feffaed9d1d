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
}

export interface GraphEdge {
  from: number
  to: number
  on?: string | null
  points?: [number, number][]
}

export interface Graph {
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
  return { scale, x: graph.width / 2 - width / 2 / scale, y: graph.height / 2 - height / 2 / scale }
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

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

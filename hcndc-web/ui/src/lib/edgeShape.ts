/** How an edge runs between two nodes, whether it is at a point, and where its arrow ends. */
import type { Graph, GraphEdge, GraphNode } from './graph'

type Point = [number, number]
/** What a canvas and a path have in common. */
interface Pen {
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void
}

export interface Shape {
  points: Point[]
  /** To the node itself: a loop at its right side. */
  loop: boolean
}

export function shapeOf(edge: GraphEdge, places: Map<number, GraphNode>): Shape | null {
  const from = places.get(edge.from)
  const to = places.get(edge.to)
  if (!from || !to) return null
  if (from === to) return { points: [[from.x + from.width / 2, from.y - 7], [from.x + from.width / 2, from.y + 7]], loop: true }
  if (edge.points && edge.points.length > 1) return { points: edge.points, loop: false }
  return { points: straight(from, to), loop: false }
}

/** From the lower side of the one to the upper side of the other; from its upper side where that lies higher. */
export function straight(from: GraphNode, to: GraphNode): Point[] {
  const down = to.y - to.height / 2 >= from.y + from.height / 2
  if (down) return [[from.x, from.y + from.height / 2], [to.x, to.y - to.height / 2]]
  const up = to.y + to.height / 2 <= from.y - from.height / 2
  if (up) return [[from.x, from.y - from.height / 2], [to.x, to.y + to.height / 2]]
  const side = to.x > from.x ? 1 : -1
  return [[from.x + (side * from.width) / 2, from.y], [to.x - (side * to.width) / 2, to.y]]
}

/** Draws it; `curved` leaves each point upright, so that parallel edges stay apart. */
export function trace(pen: Pen, { points, loop }: Shape, curved: boolean): void {
  const [first, ...rest] = points as [Point, ...Point[]]
  pen.moveTo(first[0], first[1])
  if (loop) {
    const [x, y] = rest[0] ?? first
    pen.bezierCurveTo(first[0] + 34, first[1] - 8, x + 34, y + 8, x, y)
    return
  }
  let [ax, ay] = first
  for (const [x, y] of rest) {
    const middle = (ay + y) / 2
    if (curved && y > ay + 8 && ax !== x) pen.bezierCurveTo(ax, middle, x, middle, x, y)
    else pen.lineTo(x, y)
    ;[ax, ay] = [x, y]
  }
}

/** Draws the arrow at its end. */
export function head(pen: Pen, { points, loop }: Shape): void {
  const [x, y] = points[points.length - 1] ?? [0, 0]
  const [ax, ay] = loop ? [x + 20, y + 4] : (points[points.length - 2] ?? [x, y - 1])
  // A curve comes in upright.
  const turn = !loop && y > ay + 8 ? Math.PI / 2 : Math.atan2(y - ay, x - ax)
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)]
  pen.moveTo(x, y)
  pen.lineTo(x - 7 * cos + 3.5 * sin, y - 7 * sin - 3.5 * cos)
  pen.lineTo(x - 7 * cos - 3.5 * sin, y - 7 * sin + 3.5 * cos)
  pen.lineTo(x, y)
}

export interface Bounds {
  left: number
  top: number
  right: number
  bottom: number
}

export function boundsOf({ points, loop }: Shape): Bounds {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  for (const [x, y] of points) {
    if (x < bounds.left) bounds.left = x
    if (x > bounds.right) bounds.right = x
    if (y < bounds.top) bounds.top = y
    if (y > bounds.bottom) bounds.bottom = y
  }
  if (loop) bounds.right += 34
  return bounds
}

/** Where something can be written beside it. */
export function middleOf({ points, loop }: Shape): Point {
  if (loop) return [(points[0]?.[0] ?? 0) + 46, ((points[0]?.[1] ?? 0) + (points[1]?.[1] ?? 0)) / 2]
  const at = Math.floor((points.length - 1) / 2)
  const a: Point = points[at] ?? [0, 0]
  const b: Point = points[at + 1] ?? a
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
}

/** The edge that runs past a point, the nearest one. */
export function edgeAt(graph: Graph, x: number, y: number, reach: number): GraphEdge | null {
  const places = new Map(graph.nodes.map((it) => [it.id, it]))
  let best: GraphEdge | null = null
  let least = reach
  for (const edge of graph.edges) {
    const shape = shapeOf(edge, places)
    if (!shape) continue
    const { left, top, right, bottom } = boundsOf(shape)
    if (x < left - reach || x > right + reach || y < top - reach || y > bottom + reach) continue
    const far = distance(shape, x, y)
    if (far < least) [best, least] = [edge, far]
  }
  return best
}

/** Pieces in which a curve is walked. */
const PIECES = 12

function distance(shape: Shape, x: number, y: number): number {
  const walk: Point[] = []
  trace(
    {
      moveTo: (px, py) => walk.push([px, py]),
      lineTo: (px, py) => walk.push([px, py]),
      bezierCurveTo: (ax, ay, bx, by, px, py) => {
        const [sx, sy] = walk[walk.length - 1] ?? [ax, ay]
        for (let i = 1; i <= PIECES; i += 1) {
          const t = i / PIECES
          const [p, q, r, s] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3]
          walk.push([p * sx + q * ax + r * bx + s * px, p * sy + q * ay + r * by + s * py])
        }
      },
    },
    shape,
    true,
  )
  let least = Infinity
  for (let i = 1; i < walk.length; i += 1) {
    const [ax, ay] = walk[i - 1]!
    const [bx, by] = walk[i]!
    const length = (bx - ax) ** 2 + (by - ay) ** 2
    const t = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0
    least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
  }
  return least
}

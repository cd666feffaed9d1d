/** Draws a graph on a canvas: only what is in sight, and only what can be told apart at its scale. */
import { boundsOf, head, middleOf, shapeOf, trace, type Bounds, type Shape } from './edgeShape'
import { edgeKey, type Graph, type GraphEdge, type GraphNode, type View } from './graph'
import { stateOf, type Tone } from './states'

export interface Colours {
  text: string
  soft: string
  line: string
  raised: string
  sunken: string
  accent: string
  bad: string
  tones: Record<Tone, { ink: string; ground: string }>
  face: string
}

const TONES: Tone[] = ['succeeded', 'failed', 'running', 'waiting', 'paused', 'stopped', 'skipped']

/** The page's colours, for the canvas. */
export function colours(of: HTMLElement): Colours {
  const style = getComputedStyle(of)
  const get = (name: string) => style.getPropertyValue(name).trim()
  const tones = Object.fromEntries(TONES.map((it) => [it, { ink: get(`--s-${it}`), ground: get(`--s-${it}-bg`) }])) as Colours['tones']
  return { text: get('--text'), soft: get('--text-soft'), line: get('--line-strong'), raised: get('--bg-raised'), sunken: get('--bg-sunken'), accent: get('--accent'), bad: get('--s-failed'), tones, face: style.fontFamily }
}

/** What is picked out. A new object whenever something of it changes: what it looks like is kept with it. */
export interface Marks {
  picked: number | null
  up: Set<number>
  down: Set<number>
  hits: Set<number>
  /** The edge that is picked, by its key. */
  edge?: string | null
  /** Edges of a circle. */
  bad?: Set<string> | null
}

/** What moves while the pointer is down: a node with its edges, or an edge that is being drawn. */
export interface Moving {
  node?: GraphNode
  edges?: GraphEdge[]
  line?: { from: [number, number]; to: [number, number]; bad: boolean }
}

/** Below this scale names cannot be read. */
const NAMES = 0.42
/** Below this scale nodes are plain boxes, and curves are lines. */
const BOXES = 0.16
/** Edges that are drawn at one stroke. */
const PIECE = 160
/** The knob from which an edge is drawn, in pixels. */
export const KNOB = 5

/** Edges that lie near each other, ready to be drawn. */
interface Piece extends Bounds {
  curves: Path2D
  lines: Path2D
  heads: Path2D
}
type Style = 'plain' | 'done' | 'failure'
interface Prepared {
  places: Map<number, GraphNode>
  pieces: Record<Style, Piece[]>
  labels: { at: [number, number]; text: string }[]
}

// A graph is not changed once it is drawn: another one comes in its place.
const prepared = new WeakMap<Graph, Prepared>()

const styleOf = (edge: GraphEdge): Style => (edge.on === 'failure' ? 'failure' : edge.on === 'done' ? 'done' : 'plain')
const dateOf = (edge: GraphEdge): string => (edge.offset_days ? `${edge.offset_days > 0 ? '+' : '−'}${Math.abs(edge.offset_days)}d` : '')

function prepare(graph: Graph): Prepared {
  const there = prepared.get(graph)
  if (there) return there
  const places = new Map(graph.nodes.map((it) => [it.id, it]))
  const shapes: Record<Style, Shape[]> = { plain: [], done: [], failure: [] }
  const labels: Prepared['labels'] = []
  for (const edge of graph.edges) {
    const shape = shapeOf(edge, places)
    if (!shape) continue
    shapes[styleOf(edge)].push(shape)
    if (edge.offset_days) labels.push({ at: middleOf(shape), text: dateOf(edge) })
  }
  const made: Prepared = { places, labels, pieces: { plain: pieces(shapes.plain), done: pieces(shapes.done), failure: pieces(shapes.failure) } }
  prepared.set(graph, made)
  return made
}

function pieces(shapes: Shape[]): Piece[] {
  // By rows and then from left to right, what is drawn at one stroke lies near each other.
  const placed = shapes.map((shape) => ({ shape, at: middleOf(shape) }))
  placed.sort((a, b) => Math.floor(a.at[1] / 400) - Math.floor(b.at[1] / 400) || a.at[0] - b.at[0])
  const found: Piece[] = []
  for (let i = 0; i < placed.length; i += PIECE) found.push(piece(placed.slice(i, i + PIECE).map((it) => it.shape)))
  return found
}

function piece(shapes: Shape[]): Piece {
  const made: Piece = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity, curves: new Path2D(), lines: new Path2D(), heads: new Path2D() }
  for (const shape of shapes) {
    trace(made.curves, shape, true)
    trace(made.lines, shape, false)
    head(made.heads, shape)
    const bounds = boundsOf(shape)
    made.left = Math.min(made.left, bounds.left)
    made.right = Math.max(made.right, bounds.right)
    made.top = Math.min(made.top, bounds.top)
    made.bottom = Math.max(made.bottom, bounds.bottom)
  }
  return made
}

/** Edges that are picked out, kept with the marks that pick them. */
const strongOf = new WeakMap<Marks, Map<Graph, { near: Piece[]; edge: Piece[]; bad: Piece[] }>>()

function strong(graph: Graph, marks: Marks, places: Map<number, GraphNode>) {
  const kept = strongOf.get(marks) ?? new Map<Graph, { near: Piece[]; edge: Piece[]; bad: Piece[] }>()
  strongOf.set(marks, kept)
  const there = kept.get(graph)
  if (there) return there
  const { picked, up, down, edge: one, bad } = marks
  const shapes = (wanted: (edge: GraphEdge) => boolean) => graph.edges.filter(wanted).flatMap((it) => shapeOf(it, places) ?? [])
  const near = (it: GraphEdge) => (down.has(it.to) && (it.from === picked || down.has(it.from))) || (up.has(it.from) && (it.to === picked || up.has(it.to)))
  const made = {
    near: picked === null ? [] : pieces(shapes(near)),
    edge: one ? pieces(shapes((it) => edgeKey(it) === one)) : [],
    bad: bad?.size ? pieces(shapes((it) => bad.has(edgeKey(it)))) : [],
  }
  kept.clear()
  kept.set(graph, made)
  return made
}

export function draw(context: CanvasRenderingContext2D, graph: Graph, view: View, width: number, height: number, marks: Marks, paint: Colours, more: { moving?: Moving | null; knobs?: Set<number> | 'all' | null; faint?: number } = {}): void {
  const { places, pieces: all, labels } = prepare(graph)
  context.clearRect(0, 0, width, height)
  context.save()
  context.scale(view.scale, view.scale)
  context.translate(-view.x, -view.y)
  const seen: Bounds = { left: view.x, top: view.y, right: view.x + width / view.scale, bottom: view.y + height / view.scale }
  const some = marks.picked !== null
  const stroke = (list: Piece[], colour: string, thickness: number, alpha: number, dash: number[] = []) => {
    context.globalAlpha = alpha
    context.strokeStyle = context.fillStyle = colour
    context.lineWidth = thickness / Math.max(view.scale, 0.3)
    context.setLineDash(dash)
    for (const it of list) {
      if (it.left > seen.right || it.right < seen.left || it.top > seen.bottom || it.bottom < seen.top) continue
      context.stroke(view.scale < BOXES ? it.lines : it.curves)
      if (view.scale >= NAMES) context.fill(it.heads)
    }
  }
  const faint = some ? 0.35 : 1
  stroke(all.plain, paint.line, 1, faint)
  stroke(all.done, paint.soft, 1, faint, [5, 4])
  stroke(all.failure, paint.bad, 1, faint, [5, 4])
  const marked = strong(graph, marks, places)
  stroke(marked.near, paint.accent, 1.8, 1)
  stroke(marked.edge, paint.accent, 3, 1)
  stroke(marked.bad, paint.bad, 3, 1)
  context.globalAlpha = 1
  context.setLineDash([])
  if (view.scale >= NAMES) for (const it of labels) label(context, it.at, it.text, seen, paint)

  for (const node of graph.nodes) {
    if (more.moving?.node?.id !== node.id) drawNode(context, node, seen, view.scale, marks, some ? (more.faint ?? 0.28) : 1, paint)
  }
  if (more.moving) drawMoving(context, more.moving, view.scale, places, marks, seen, paint)
  if (more.knobs) {
    for (const node of graph.nodes) {
      if (more.knobs === 'all' || more.knobs.has(node.id)) knob(context, more.moving?.node?.id === node.id ? more.moving.node : node, view.scale, paint)
    }
  }
  context.restore()
}

function drawNode(context: CanvasRenderingContext2D, node: GraphNode, seen: Bounds, scale: number, marks: Marks, faint: number, paint: Colours): void {
  const left = node.x - node.width / 2
  const top = node.y - node.height / 2
  if (left > seen.right || left + node.width < seen.left || top > seen.bottom || top + node.height < seen.top) return
  const near = node.id === marks.picked || marks.up.has(node.id) || marks.down.has(node.id)
  context.globalAlpha = near || marks.hits.has(node.id) ? 1 : faint
  box(context, node, left, top, scale, marks, paint)
  context.globalAlpha = 1
}

function drawMoving(context: CanvasRenderingContext2D, moving: Moving, scale: number, places: Map<number, GraphNode>, marks: Marks, seen: Bounds, paint: Colours): void {
  const { node, edges, line } = moving
  if (node) {
    const now = new Map(places).set(node.id, node)
    context.strokeStyle = paint.accent
    context.lineWidth = 1.4 / Math.max(scale, 0.3)
    context.beginPath()
    for (const edge of edges ?? []) {
      const shape = shapeOf({ ...edge, points: [] }, now)
      if (shape) trace(context, shape, true)
    }
    context.stroke()
    drawNode(context, node, seen, scale, marks, 1, paint)
  }
  if (line) {
    context.strokeStyle = context.fillStyle = line.bad ? paint.bad : paint.accent
    context.lineWidth = 2 / scale
    context.setLineDash([6 / scale, 4 / scale])
    const shape: Shape = { points: [line.from, line.to], loop: false }
    context.beginPath()
    trace(context, shape, true)
    context.stroke()
    context.setLineDash([])
    context.beginPath()
    head(context, shape)
    context.fill()
  }
}

function knob(context: CanvasRenderingContext2D, node: GraphNode, scale: number, paint: Colours): void {
  if (scale < BOXES) return
  context.beginPath()
  context.arc(node.x, node.y + node.height / 2, KNOB / Math.max(scale, 0.6), 0, 2 * Math.PI)
  context.fillStyle = paint.raised
  context.strokeStyle = paint.accent
  context.lineWidth = 1.6 / Math.max(scale, 0.6)
  context.fill()
  context.stroke()
}

function label(context: CanvasRenderingContext2D, [x, y]: [number, number], text: string, seen: Bounds, paint: Colours): void {
  if (x < seen.left || x > seen.right || y < seen.top || y > seen.bottom) return
  context.font = `500 10px ${paint.face}`
  context.textBaseline = 'middle'
  const width = context.measureText(text).width + 8
  context.fillStyle = paint.sunken
  context.fillRect(x - width / 2, y - 8, width, 16)
  context.fillStyle = paint.soft
  context.fillText(text, x - width / 2 + 4, y)
}

function box(context: CanvasRenderingContext2D, node: GraphNode, left: number, top: number, scale: number, marks: Marks, paint: Colours): void {
  const tone = node.state ? paint.tones[stateOf(node.state).tone] : null
  const picked = node.id === marks.picked
  if (scale < BOXES) {
    context.fillStyle = tone?.ink ?? paint.soft
    context.fillRect(left, top, node.width, node.height)
    if (picked || marks.hits.has(node.id)) {
      context.strokeStyle = paint.accent
      context.lineWidth = 3 / scale
      context.strokeRect(left, top, node.width, node.height)
    }
    return
  }
  context.beginPath()
  context.roundRect(left, top, node.width, node.height, 6)
  context.fillStyle = tone?.ground ?? paint.raised
  context.fill()
  context.strokeStyle = picked || marks.hits.has(node.id) ? paint.accent : (tone?.ink ?? paint.line)
  context.lineWidth = picked || marks.hits.has(node.id) ? 3 : node.enabled === false ? 1 : 1.2
  context.setLineDash(node.enabled === false || node.outside ? [4, 3] : [])
  context.stroke()
  context.setLineDash([])
  if (tone) {
    context.fillStyle = tone.ink
    context.fillRect(left, top + 6, 4, node.height - 12)
  }
  if (node.group || node.folded) {
    // A second edge behind it: there is more in it than is shown.
    context.beginPath()
    context.moveTo(left + 8, top + node.height + 3)
    context.lineTo(left + node.width - 8, top + node.height + 3)
    context.strokeStyle = tone?.ink ?? paint.soft
    context.lineWidth = 2
    context.stroke()
  }
  if (scale < NAMES) return
  const told = node.folded ? `+${node.folded}` : ''
  context.textBaseline = 'middle'
  // The head of what is unfolded below it stands out.
  context.font = `${node.group === false ? 700 : 500} 12px ${paint.face}`
  const beside = told ? context.measureText(told).width + 8 : 0
  context.fillStyle = tone?.ink ?? paint.text
  context.fillText(shorten(context, node.name, node.width - 20 - beside), left + 12, node.y)
  if (told) {
    context.fillStyle = paint.accent
    context.fillText(told, left + node.width - beside, node.y)
  }
}

const short = new Map<string, string>()

/** As much of a text as fits. */
function shorten(context: CanvasRenderingContext2D, text: string, room: number): string {
  const key = `${context.font}|${Math.round(room)}|${text}`
  const known = short.get(key)
  if (known !== undefined) return known
  let shown = text
  if (context.measureText(text).width > room) {
    let [least, most] = [0, text.length]
    while (least < most) {
      const middle = Math.ceil((least + most) / 2)
      if (context.measureText(`${text.slice(0, middle)}…`).width <= room) least = middle
      else most = middle - 1
    }
    shown = `${text.slice(0, least)}…`
  }
  if (short.size > 20_000) short.clear()
  short.set(key, shown)
  return shown
}

interface Size {
  width: number
  height: number
}
/** Small pictures of graphs, which change less often than what is in sight. */
const maps = new WeakMap<Graph, { paint: Colours; ratio: number; canvas: HTMLCanvasElement }>()

function mapOf(graph: Graph, size: Size, scale: number, paint: Colours, ratio: number): HTMLCanvasElement {
  const there = maps.get(graph)
  if (there?.paint === paint && there.ratio === ratio) return there.canvas
  const canvas = document.createElement('canvas')
  canvas.width = size.width * ratio
  canvas.height = size.height * ratio
  const context = canvas.getContext('2d')
  context?.scale(ratio, ratio)
  for (const node of graph.nodes) {
    if (!context) break
    context.fillStyle = node.state ? paint.tones[stateOf(node.state).tone].ink : paint.line
    context.fillRect((node.x - node.width / 2 - (graph.left ?? 0)) * scale, (node.y - node.height / 2 - (graph.top ?? 0)) * scale, Math.max(1.5, node.width * scale), Math.max(1.5, node.height * scale))
  }
  maps.set(graph, { paint, ratio, canvas })
  return canvas
}

/** The whole graph in a few pixels, with a frame around what is in sight. */
export function drawMap(context: CanvasRenderingContext2D, graph: Graph, view: View, size: Size, shown: Size, paint: Colours, ratio: number): void {
  const scale = Math.min(size.width / Math.max(1, graph.width), size.height / Math.max(1, graph.height))
  context.clearRect(0, 0, size.width, size.height)
  context.drawImage(mapOf(graph, size, scale, paint, ratio), 0, 0, size.width, size.height)
  context.strokeStyle = paint.accent
  context.lineWidth = 1.5
  // What is shown beyond the graph has no place on the map: the frame ends at its edge.
  const [x, y] = [view.x - (graph.left ?? 0), view.y - (graph.top ?? 0)]
  const left = Math.max(x * scale, 1)
  const top = Math.max(y * scale, 1)
  const right = Math.min((x + shown.width / view.scale) * scale, size.width - 1)
  const bottom = Math.min((y + shown.height / view.scale) * scale, size.height - 1)
  context.strokeRect(left, top, right - left, bottom - top)
}

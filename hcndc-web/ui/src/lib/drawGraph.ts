/** Draws a graph on a canvas: only what is in sight, and only what can be told apart at its scale. */
import { stateOf, type Tone } from './states'
import type { Graph, GraphEdge, GraphNode, View } from './graph'

export interface Colours {
  text: string
  soft: string
  line: string
  raised: string
  accent: string
  tones: Record<Tone, { ink: string; ground: string }>
  face: string
}

const TONES: Tone[] = ['succeeded', 'failed', 'running', 'waiting', 'paused', 'stopped', 'skipped']

/** The page's colours, for the canvas. */
export function colours(of: HTMLElement): Colours {
  const style = getComputedStyle(of)
  const get = (name: string) => style.getPropertyValue(name).trim()
  const tones = Object.fromEntries(TONES.map((it) => [it, { ink: get(`--s-${it}`), ground: get(`--s-${it}-bg`) }])) as Colours['tones']
  return { text: get('--text'), soft: get('--text-soft'), line: get('--line-strong'), raised: get('--bg-raised'), accent: get('--accent'), tones, face: style.fontFamily }
}

export interface Marks {
  picked: number | null
  up: Set<number>
  down: Set<number>
  hits: Set<number>
}

/** Below this scale names cannot be read. */
const NAMES = 0.42
/** Below this scale nodes are plain boxes. */
const BOXES = 0.16

export function draw(context: CanvasRenderingContext2D, graph: Graph, view: View, width: number, height: number, marks: Marks, paint: Colours): void {
  context.clearRect(0, 0, width, height)
  context.save()
  context.scale(view.scale, view.scale)
  context.translate(-view.x, -view.y)
  const right = view.x + width / view.scale
  const bottom = view.y + height / view.scale
  const places = new Map(graph.nodes.map((it) => [it.id, it]))
  const strong = (edge: GraphEdge) =>
    marks.picked !== null && ((marks.down.has(edge.to) && (edge.from === marks.picked || marks.down.has(edge.from))) || (marks.up.has(edge.from) && (edge.to === marks.picked || marks.up.has(edge.to))))
  const some = marks.picked !== null

  const lines = (edges: GraphEdge[], colour: string, thickness: number, alpha: number, dash: number[] = []) => {
    context.beginPath()
    for (const edge of edges) line(context, edge, places, view.x, view.y, right, bottom)
    context.globalAlpha = alpha
    context.strokeStyle = colour
    context.lineWidth = thickness / Math.max(view.scale, 0.3)
    context.setLineDash(dash)
    context.stroke()
  }
  const plain = graph.edges.filter((it) => !strong(it) && (!it.on || it.on === 'success'))
  const other = graph.edges.filter((it) => !strong(it) && it.on && it.on !== 'success')
  lines(plain, paint.line, 1, some ? 0.35 : 1)
  lines(other, paint.soft, 1, some ? 0.35 : 1, [5, 4])
  if (some) lines(graph.edges.filter(strong), paint.accent, 1.8, 1)
  context.globalAlpha = 1
  context.setLineDash([])

  for (const node of graph.nodes) {
    const left = node.x - node.width / 2
    const top = node.y - node.height / 2
    if (left > right || left + node.width < view.x || top > bottom || top + node.height < view.y) continue
    const near = !some || node.id === marks.picked || marks.up.has(node.id) || marks.down.has(node.id)
    context.globalAlpha = near || marks.hits.has(node.id) ? 1 : 0.28
    box(context, node, left, top, view.scale, marks, paint)
  }
  context.restore()
}

function line(context: CanvasRenderingContext2D, edge: GraphEdge, places: Map<number, GraphNode>, left: number, top: number, right: number, bottom: number): void {
  const from = places.get(edge.from)
  const to = places.get(edge.to)
  if (!from || !to) return
  const points: [number, number][] = edge.points?.length ? edge.points : [[from.x, from.y], [to.x, to.y]]
  let [l, t, r, b] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of points) {
    if (x < l) l = x
    if (x > r) r = x
    if (y < t) t = y
    if (y > b) b = y
  }
  if (l > right || r < left || t > bottom || b < top) return
  const [first, ...rest] = points as [[number, number], ...[number, number][]]
  context.moveTo(first[0], first[1])
  let [ax, ay] = first
  for (const [x, y] of rest) {
    // Bends by half the way, so that many parallel edges stay apart.
    const middle = (ax + x) / 2
    if (Math.abs(x - ax) > Math.abs(y - ay) * 0.2) context.bezierCurveTo(middle, ay, middle, y, x, y)
    else context.bezierCurveTo(ax, (ay + y) / 2, x, (ay + y) / 2, x, y)
    ;[ax, ay] = [x, y]
  }
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
  if (scale < NAMES) return
  context.fillStyle = tone?.ink ?? paint.text
  context.font = `500 12px ${paint.face}`
  context.textBaseline = 'middle'
  const room = node.width - 20
  context.fillText(shorten(context, node.name, room), left + 12, node.y)
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

/** The whole graph in a few pixels, with a frame around what is in sight. */
export function drawMap(context: CanvasRenderingContext2D, graph: Graph, view: View, size: { width: number; height: number }, shown: { width: number; height: number }, paint: Colours): void {
  const scale = Math.min(size.width / Math.max(1, graph.width), size.height / Math.max(1, graph.height))
  context.clearRect(0, 0, size.width, size.height)
  for (const node of graph.nodes) {
    context.fillStyle = node.state ? paint.tones[stateOf(node.state).tone].ink : paint.line
    context.fillRect((node.x - node.width / 2) * scale, (node.y - node.height / 2) * scale, Math.max(1.5, node.width * scale), Math.max(1.5, node.height * scale))
  }
  context.strokeStyle = paint.accent
  context.lineWidth = 1.5
  // What is shown beyond the graph has no place on the map: the frame ends at its edge.
  const left = Math.max(view.x * scale, 1)
  const top = Math.max(view.y * scale, 1)
  const right = Math.min((view.x + shown.width / view.scale) * scale, size.width - 1)
  const bottom = Math.min((view.y + shown.height / view.scale) * scale, size.height - 1)
  context.strokeRect(left, top, right - left, bottom - top)
}

import { describe, expect, it } from 'vitest'
import { fit, nodeAt, Ties, zoom, type Graph } from './graph'

const node = (id: number, x: number) => ({ id, name: String(id), x, y: 50, width: 40, height: 20 })
const graph: Graph = { width: 400, height: 100, nodes: [node(1, 50), node(2, 200), node(3, 350)], edges: [{ from: 1, to: 2 }, { from: 2, to: 3 }] }

describe('a graph', () => {
  it('knows what is up and down from a node', () => {
    const ties = new Ties(graph.edges)
    expect([...ties.reach(2, 'up')]).toEqual([1])
    expect([...ties.reach(1, 'down')].sort()).toEqual([2, 3])
  })

  it('is walked once even where it goes round', () => {
    const ties = new Ties([{ from: 1, to: 2 }, { from: 2, to: 1 }])
    expect([...ties.reach(1, 'down')]).toEqual([2])
  })

  it('fits into its frame as a whole', () => {
    const view = fit(graph, 800, 600)
    for (const it of graph.nodes) {
      const [px, py] = [(it.x - view.x) * view.scale, (it.y - view.y) * view.scale]
      expect(px > 0 && px < 800 && py > 0 && py < 600).toBe(true)
      expect(nodeAt(graph, view, px, py)?.id).toBe(it.id)
    }
  })

  it('keeps what is under the pointer while it is zoomed', () => {
    const view = fit(graph, 800, 600)
    const near = zoom(view, 2, 123, 45)
    expect(near.x + 123 / near.scale).toBeCloseTo(view.x + 123 / view.scale)
    expect(near.y + 45 / near.scale).toBeCloseTo(view.y + 45 / view.scale)
  })
})

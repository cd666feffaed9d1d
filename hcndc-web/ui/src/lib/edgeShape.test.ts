import { describe, expect, it } from 'vitest'
import { boundsOf, edgeAt, shapeOf, straight } from './edgeShape'
import type { Graph } from './graph'

const node = (id: number, x: number, y: number) => ({ id, name: String(id), x, y, width: 100, height: 40 })
const graph: Graph = {
  width: 400, height: 400,
  nodes: [node(1, 100, 50), node(2, 300, 250), node(3, 100, 250)],
  edges: [{ from: 1, to: 2 }, { from: 1, to: 3 }, { from: 3, to: 3, offset_days: -1 }],
}

describe('an edge', () => {
  it('leads from the lower side to the upper side, and from the side that is nearer where nodes were moved', () => {
    const [a, b] = [node(1, 100, 50), node(2, 300, 250)]
    expect(straight(a, b)).toEqual([[100, 70], [300, 230]])
    expect(straight(b, a)).toEqual([[300, 230], [100, 70]])
    expect(straight(a, node(4, 300, 60))).toEqual([[150, 50], [250, 60]])
  })

  it('is found by a point on it, the nearest one, and not by a point beside all', () => {
    expect(edgeAt(graph, 200, 150, 6)).toBe(graph.edges[0])
    expect(edgeAt(graph, 102, 150, 6)).toBe(graph.edges[1])
    expect(edgeAt(graph, 250, 100, 6)).toBeNull()
  })

  it('to the node itself is a loop at its side', () => {
    expect(edgeAt(graph, 174, 250, 6)).toBe(graph.edges[2])
    const shape = shapeOf(graph.edges[2]!, new Map(graph.nodes.map((it) => [it.id, it])))!
    expect(boundsOf(shape).right).toBeGreaterThan(150)
  })
})

import { describe, expect, it } from 'vitest'
import { folded } from './fold'
import type { Graph } from './graph'

const node = (id: number) => ({ id, name: String(id), x: id, y: id, width: 10, height: 10 })
const edge = (from: number, to: number) => ({ from, to })
const graph: Graph = { width: 10, height: 10, nodes: [1, 2, 3, 4, 5].map(node), edges: [edge(1, 2), edge(2, 3), edge(3, 4), edge(5, 4)] }
const ids = (it: Graph) => it.nodes.map((node) => node.id)

describe('folding', () => {
  it('hides what comes after a node, and says how much', () => {
    const small = folded({ ...graph, edges: graph.edges.slice(0, 3) }, new Set([2]))
    expect(ids(small)).toEqual([1, 2, 5])
    expect(small.nodes[1]?.folded).toBe(2)
    expect(small.edges).toEqual([edge(1, 2)])
  })

  it('keeps what is also reached another way', () => {
    expect(ids(folded(graph, new Set([2])))).toEqual([1, 2, 4, 5])
    expect(folded(graph, new Set([2])).nodes[1]?.folded).toBe(1)
    expect(ids(folded(graph, new Set([2, 5])))).toEqual([1, 2, 5])
  })

  it('folds nothing of what has nothing after it, and leaves circles as they are', () => {
    expect(folded(graph, new Set([4])).nodes[3]).toEqual(node(4))
    const round = { ...graph, edges: [edge(1, 2), edge(2, 1), edge(2, 3)] }
    expect(ids(folded(round, new Set([4])))).toEqual([1, 2, 3, 4, 5])
    expect(folded(graph, new Set())).toBe(graph)
  })
})

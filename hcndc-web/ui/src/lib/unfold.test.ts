import { describe, expect, it } from 'vitest'
import { acyclic, placed, shapeKey, unfolded } from './unfold'
import type { Graph, GraphEdge } from './graph'

const node = (id: number, name: string, flow: number) => ({ id, name, flow, x: 0, y: 0, width: 100, height: 40 })
const flows: Graph = { width: 0, height: 0, nodes: [node(1, 'extract', 10), node(2, 'load', 20), node(3, 'mail', 30)], edges: [{ from: 1, to: 2, kind: 'jobs' }, { from: 2, to: 3, kind: 'parent' }] }
const jobs: Graph = {
  width: 0, height: 0,
  nodes: [node(11, 'extract/a', 10), node(21, 'load/x', 20), node(22, 'load/y', 20), node(31, 'mail/m', 30)],
  edges: [{ from: 11, to: 21, on: 'success' }, { from: 21, to: 22, on: 'done' }],
}
const ways = (edges: GraphEdge[]) => edges.map((it) => `${it.from}>${it.to}`).sort()

describe('an execution', () => {
  it('of folded flows is its flows, and what ties them', () => {
    const sketch = unfolded(flows, jobs, new Set())
    expect(sketch.nodes.map((it) => [it.id, it.group])).toEqual([[1, true], [2, true], [3, true]])
    expect(ways(sketch.edges)).toEqual(['1>2', '2>3'])
  })

  it('shows the jobs of an unfolded flow below its head, tied to what is folded', () => {
    const sketch = unfolded(flows, jobs, new Set([2]))
    expect(sketch.nodes.map((it) => it.name)).toEqual(['extract', 'load', 'mail', 'x', 'y'])
    expect(ways(sketch.edges)).toEqual(['1>21', '21>22', '22>3', '2>21'])
    expect(sketch.edges.find((it) => it.to === 22)?.on).toBe('done')
  })

  it('ties jobs to jobs where both flows are unfolded', () => {
    expect(ways(unfolded(flows, jobs, new Set([1, 2, 3])).edges)).toEqual(['11>21', '1>11', '21>22', '22>3', '2>21', '3>31'])
  })

  it('is laid out without what leads back, and drawn with it', () => {
    const round = { nodes: flows.nodes, edges: [{ from: 1, to: 2 }, { from: 2, to: 1 }, { from: 2, to: 3 }] }
    expect(ways(acyclic(round))).toEqual(['1>2', '2>3'])
    const told = { width: 9, height: 9, nodes: flows.nodes, edges: [{ from: 1, to: 2, points: [[0, 0], [1, 1]] as [number, number][] }] }
    const graph = placed(round, told)
    expect(graph.edges).toHaveLength(3)
    expect(graph.nodes[0]).toMatchObject({ x: 50, y: 20 })
    expect(shapeKey(round)).toBe('1,2,3;1>2,2>1,2>3')
  })
})

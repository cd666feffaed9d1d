import { describe, expect, it } from 'vitest'
import { Draft } from './draft'
import { circleTold, edgesOf, freeSpot, graphOf, inPlace, keepWays, layoutBody, storedOf, widthOf, type Ways } from './picture'
import type { Graph } from '@/lib/graph'

const node = (id: number, name: string, x: number, y: number) => ({ id, name, x, y, width: 100, height: 40, version: 3, enabled: true })
const told: Graph = {
  width: 300, height: 300,
  nodes: [node(1, 'a', 10, 10), node(2, 'b', 10, 110), { ...node(9, 'other/x', 150, 10), outside: true }],
  edges: [{ from: 1, to: 2, on: 'done', points: [[60, 50], [60, 110]] }, { from: 2, to: 2, on: 'success', offset_days: -1, wait_limit: '4h', points: [[60, 130], [60, 130]] }],
}

describe('a picture', () => {
  it('becomes a draft and the same picture again', () => {
    const ways: Ways = new Map()
    keepWays(ways, told)
    const draft = new Draft(storedOf(told))
    expect([...draft.ties.values()]).toEqual([{ from: 1, to: 2, on: 'done', offset: 0, waitLimit: null }, { from: 2, to: 2, on: 'success', offset: -1, waitLimit: '4h' }])
    expect(draft.jobs.get(9)).toMatchObject({ outside: true, x: 200, y: 30 })
    const graph = graphOf(draft, ways)
    expect(graph.edges[0]?.points).toEqual([[60, 50], [60, 110]])
    expect(graph.edges[1]?.points).toBeUndefined()
  })

  it('reaches as far as its jobs were moved', () => {
    const draft = new Draft(storedOf(told))
    draft.move(1, -200, 900)
    expect(graphOf(draft, new Map())).toMatchObject({ left: -274, top: -14, width: 548, height: 958 })
  })

  it('draws an edge anew once an end has moved, and as before when that is undone', () => {
    const ways: Ways = new Map()
    keepWays(ways, told)
    const draft = new Draft(storedOf(told))
    draft.move(2, 200, 200)
    expect(graphOf(draft, ways).edges[0]?.points).toBeUndefined()
    draft.undo()
    expect(graphOf(draft, ways).edges[0]?.points).toBeDefined()
  })

  it('is laid out without what is of another date', () => {
    expect(layoutBody(new Draft(storedOf(told))).edges).toEqual([{ from: '1', to: '2' }])
  })

  it('keeps its places after it was saved, also of jobs that have an id only now', () => {
    const draft = new Draft(storedOf(told))
    draft.add({ name: 'new', x: 400, y: 300, width: 96, height: 40, set: {} })
    draft.move(1, 77, 88)
    const next = inPlace(storedOf({ ...told, nodes: [...told.nodes, node(12, 'new', 0, 0)] }), draft)
    expect(next.jobs.find((it) => it.id === 12)).toMatchObject({ x: 400, y: 300 })
    expect(next.jobs.find((it) => it.id === 1)).toMatchObject({ x: 77, y: 88 })
  })

  it('has a free place for what is new', () => {
    const draft = new Draft(storedOf(told))
    const spot = freeSpot(draft, 96, 60, 30)
    for (const it of draft.jobs.values()) expect(Math.abs(it.x - spot.x) >= (it.width + 96) / 2 || Math.abs(it.y - spot.y) >= 40).toBe(true)
    expect(freeSpot(draft, 96, -500, -500)).toEqual({ x: -500, y: -500 })
  })

  it('shows circles that the server tells by names', () => {
    const draft = new Draft(storedOf(told))
    expect(circleTold(draft, 'flow', ['flow/a', 'flow/b', 'far', 'other/x@+1', 'flow/a'])).toEqual([1, 2, 9, 1])
    expect([...edgesOf(draft, [1, 2, 1])]).toEqual(['1>2@0'])
  })

  it('gives wide letters the room of two', () => {
    expect(widthOf('装载订单明细数据表')).toBe(widthOf('aabbccddeeffgghhii'))
    expect(widthOf('a')).toBe(96)
  })
})

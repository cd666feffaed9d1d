import { describe, expect, it } from 'vitest'
import { circleOf } from './circle'

const tie = (from: number, to: number, offset = 0) => ({ from, to, offset })
const chain = [tie(1, 2), tie(2, 3), tie(1, 3)]

describe('a tie that is drawn', () => {
  it('closes a circle, which is told by its jobs, the shortest one', () => {
    expect(circleOf(chain, tie(3, 1))).toEqual([3, 1, 3])
    expect(circleOf([tie(1, 2), tie(2, 3)], tie(3, 1))).toEqual([3, 1, 2, 3])
  })

  it('is well when it leads down', () => {
    expect(circleOf(chain, tie(1, 3))).toBeNull()
    expect(circleOf([], tie(1, 2))).toBeNull()
  })

  it('cannot lead from a job to itself, but to its own run of the day before', () => {
    expect(circleOf([], tie(1, 1))).toEqual([1, 1])
    expect(circleOf([], tie(1, 1, 2))).toEqual([1, 1])
    expect(circleOf([], tie(1, 1, -1))).toBeNull()
  })

  it('may lead back in time, and not forward', () => {
    expect(circleOf(chain, tie(3, 1, -1))).toBeNull()
    expect(circleOf(chain, tie(3, 1, 1))).toEqual([3, 1, 3])
    // Two days back and one ahead still go back; one back and one ahead come round.
    expect(circleOf([tie(1, 2, -2)], tie(2, 1, 1))).toBeNull()
    expect(circleOf([tie(1, 2, -1)], tie(2, 1, 1))).toEqual([2, 1, 2])
  })

  it('is asked for the latest of all ways', () => {
    const ways = [tie(1, 2, -5), tie(1, 3), tie(3, 2, 1)]
    expect(circleOf(ways, tie(2, 1, -1))).toEqual([2, 1, 3, 2])
    expect(circleOf(ways, tie(2, 1, -2))).toBeNull()
  })

  it('is checked among thousands at once', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => tie(i, i + 1))
    expect(circleOf(many, tie(20_000, 0))).toHaveLength(20_002)
    expect(circleOf(many, tie(0, 20_000))).toBeNull()
  })
})

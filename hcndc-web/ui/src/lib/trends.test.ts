import { expect, test } from 'vitest'
import { heights, unitOf, type PastRun } from './trends'

const run = (execution: number, ran_ms: number, started = true): PastRun => ({
  execution, data_date: '2026-11-26', state: 'succeeded', asked_at: '2026-11-27T01:00:00Z',
  started_at: started ? '2026-11-27T01:00:00Z' : null, ended_at: null, waited_ms: 0, ran_ms,
})

test('bars are as high as their runs are long, beside the longest one', () => {
  expect(heights([run(1, 10), run(2, 40), run(3, 0, false), run(4, 20)]).map((it) => it.height)).toEqual([0.25, 1, 0.5])
  expect(heights([run(1, 10), run(2, 40), run(4, 20)], 2).map((it) => it.execution)).toEqual([2, 4])
  expect(heights([])).toEqual([])
})

test('spans are told in the unit that fits the longest', () => {
  expect([500, 5e3, 600e3, 4 * 3600e3].map((it) => unitOf(it).en)).toEqual(['ms', 's', 'min', 'h'])
})

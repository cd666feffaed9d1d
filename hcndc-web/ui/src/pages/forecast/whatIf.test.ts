import { expect, test } from 'vitest'
import { byWeight, later, type MovedFlow } from './whatIf'

const at = (hour: number) => `2026-11-27T${String(hour).padStart(2, '0')}:00:00Z`
const flow = (name: string, before: number | null, after: number | null): MovedFlow => ({
  flow: name, data_date: '2026-11-26',
  before: before === null ? null : { started_at: at(1), ended_at: at(before) },
  after: after === null ? null : { started_at: at(1), ended_at: at(after) },
})

test('what comes or goes stands before what moves, and what moves most before the rest', () => {
  const told = byWeight([flow('a', 2, 3), flow('b', 9, 2), flow('c', null, 4), flow('d', 5, null)])
  expect(told.map((it) => it.flow)).toEqual(['c', 'd', 'b', 'a'])
})

test('what is not in sight is not later', () => {
  expect(later(at(1), at(3))).toBe(2 * 3600e3)
  expect(later(null, at(3))).toBeNull()
  expect(later(at(3), undefined)).toBeNull()
})

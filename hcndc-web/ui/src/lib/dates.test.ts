import { expect, test } from 'vitest'
import { byMonth, plusDays } from './dates'

test('dates stand in the weeks of their months', () => {
  const months = byMonth(['2026-10-30', '2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03'], (it) => it)
  expect(months.map((it) => [it.name, it.lead, it.items.length])).toEqual([
    ['2026-10', 4, 2],
    ['2026-11', 6, 3],
  ])
})

test('days are counted over the ends of months and years', () => {
  expect(plusDays('2026-12-31', 1)).toBe('2027-01-01')
  expect(plusDays('2028-03-01', -1)).toBe('2028-02-29')
})

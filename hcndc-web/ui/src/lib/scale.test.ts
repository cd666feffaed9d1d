import { beforeEach, expect, test } from 'vitest'
import { ticks } from './scale'
import { prefs } from '@/state/prefs'

beforeEach(() => {
  prefs.zone = 'Asia/Shanghai'
})

test('a night is marked at round hours, and midnight by its date', () => {
  const marks = ticks(Date.parse('2026-11-26T13:10:00Z'), Date.parse('2026-11-26T22:00:00Z'), 8)
  expect(marks.map((it) => it.text)).toEqual(['22:00', '11-27', '02:00', '04:00', '06:00'])
})

test('a zone that is half an hour off has its own round hours', () => {
  prefs.zone = 'Asia/Kolkata'
  const marks = ticks(Date.parse('2026-11-26T13:10:00Z'), Date.parse('2026-11-26T16:00:00Z'), 4)
  expect(marks.map((it) => it.text)).toEqual(['19:00', '20:00', '21:00'])
})

test('however long the time is, the marks are few', () => {
  for (const days of [0.01, 1, 7, 31, 400]) {
    expect(ticks(0, days * 86_400_000, 8).length).toBeLessThanOrEqual(9)
  }
})

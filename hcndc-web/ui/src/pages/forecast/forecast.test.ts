import { expect, test } from 'vitest'
import { lanes, pairs, type Forecast } from './forecast'

const at = (hour: number) => `2026-11-27T${String(hour).padStart(2, '0')}:00:00Z`
const seen: Forecast = {
  from: at(0), until: at(12), is_cut: false, skipped: [], missed_deadlines: [],
  executions: [{
    schedule: 'nightly', trigger: 'schedule', data_date: '2026-11-26', fire_time: at(1), started_at: at(1), ended_at: null, state: 'running',
    flows: [
      { flow: 'report', started_at: null, ended_at: null, state: 'waiting' },
      { flow: 'load', started_at: at(3), ended_at: at(5), state: 'succeeded' },
      { flow: 'extract', started_at: at(1), ended_at: at(3), state: 'succeeded' },
    ],
  }],
}

test('flows stand in the order in which they run', () => {
  expect(lanes(seen).map((it) => it.flow)).toEqual(['extract', 'load', 'report'])
})

test('what waits for its parents waits from the start of the execution', () => {
  const [, load, report] = lanes(seen)
  expect(load?.pieces[0]).toMatchObject({ waits: Date.parse(at(1)), begins: Date.parse(at(3)), isOpen: false })
  expect(report?.pieces[0]).toMatchObject({ begins: Date.parse(at(12)), ends: Date.parse(at(12)), isOpen: true })
})

test('with and without a change stand side by side, also what is gone', () => {
  const after: Forecast = { ...seen, executions: seen.executions.map((it) => ({ ...it, flows: it.flows.filter((run) => run.flow !== 'load') })) }
  const both = pairs(seen, after)
  expect(both.map((it) => [it.flow, it.before.length, it.pieces.length])).toEqual([['extract', 1, 1], ['report', 1, 1], ['load', 1, 0]])
})

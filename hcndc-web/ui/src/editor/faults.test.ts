import { describe, expect, it } from 'vitest'
import { Draft, type DraftJob } from './draft'
import { blamed } from './faults'

const job = (id: number, name: string): DraftJob => ({ id, name, enabled: true, version: 1, outside: false, set: {}, x: 0, y: 0, width: 100, height: 40 })
const fault = (field: string, subject: string | null = null) => ({ field, code: 'x', message: 'm', subject: subject ? { kind: 'job', name: subject } : null })

describe('faults of an edit', () => {
  it('are those of the jobs at their places, or of their names', () => {
    const draft = new Draft({ jobs: [job(1, 'fetch'), job(2, 'load'), job(3, 'report')], ties: [] })
    draft.remove(1)
    draft.change(2, { name: 'loads' })
    draft.change(3, { enabled: false })
    const added = draft.add({ name: 'check', x: 0, y: 0, width: 100, height: 40, set: {} })
    const sent = draft.changes()
    const found = blamed([fault('create[0].'), fault('change[1].set.timeout'), fault('name', 'loads'), fault('create[7].x'), fault('', 'nobody')], sent)
    expect(found.map((it) => [it.job, it.name, it.fault.field])).toEqual([[added, 'check', ''], [3, 'report', 'timeout'], [2, 'loads', 'name']])
  })
})

import { describe, expect, it } from 'vitest'
import { Draft, keyOf, type DraftJob, type DraftTie, type On } from './draft'

const job = (id: number, name: string, more: Partial<DraftJob> = {}): DraftJob => ({ id, name, enabled: true, version: 1, outside: false, set: {}, x: 0, y: 0, width: 100, height: 40, ...more })
const tie = (from: number, to: number, on: On = 'success', offset = 0): DraftTie => ({ from, to, on, offset, waitLimit: null })
const stored = () => ({ jobs: [job(1, 'fetch'), job(2, 'load'), job(3, 'report'), job(9, 'other/x', { outside: true, version: null })], ties: [tie(1, 2), tie(9, 2)] })
const fresh = { name: 'check', x: 0, y: 0, width: 100, height: 40, set: { command: 'true' } }

describe('a draft', () => {
  it('says nothing while nothing differs, wherever jobs are moved to', () => {
    const draft = new Draft(stored())
    draft.move(1, 500, 500)
    expect(draft.changes()).toEqual([])
    expect(draft.canUndo).toBe(true)
  })

  it('is one edit: what is new by name, what is stored by id and version', () => {
    const draft = new Draft(stored())
    const added = draft.add(fresh)
    draft.tie(tie(2, added))
    draft.tie(tie(added, 3, 'failure', -1))
    draft.change(1, { name: 'extract' })
    expect(draft.body()).toEqual({
      create: [{ name: 'check', command: 'true', depends_on: [2] }],
      change: [
        { id: 1, version: 1, set: { name: 'extract' } },
        { id: 3, version: 1, set: { depends_on: [{ job: 'check', on: 'failure', offset_days: -1 }] } },
      ],
      delete: [],
    })
  })

  it('takes a job away with its ties, which leave the jobs that waited for it', () => {
    const draft = new Draft(stored())
    draft.remove(1)
    expect(draft.body()).toEqual({ create: [], change: [{ id: 2, version: 1, set: { depends_on: [9] } }], delete: [{ id: 1, version: 1 }] })
    draft.undo()
    expect(draft.changes()).toEqual([])
    expect(draft.ties.size).toBe(2)
  })

  it('goes back and forth step by step, and forgets what was undone after another step', () => {
    const draft = new Draft(stored())
    draft.step(() => {
      const id = draft.add(fresh)
      draft.tie(tie(3, id))
    })
    draft.untie(keyOf(tie(1, 2)))
    expect(draft.changes()).toHaveLength(2)
    draft.undo()
    draft.undo()
    expect(draft.changes()).toEqual([])
    expect(draft.undo()).toBe(false)
    draft.redo()
    expect(draft.changes().map((it) => it.kind)).toEqual(['create'])
    draft.change(3, { enabled: false })
    expect(draft.redo()).toBe(false)
    expect(draft.changes().map((it) => [it.kind, it.job.name])).toEqual([['change', 'report'], ['create', 'check']])
  })

  it('keeps one tie for each pair and date', () => {
    const draft = new Draft(stored())
    draft.tie(tie(1, 2, 'done'))
    expect(draft.ties.get(keyOf(tie(1, 2)))?.on).toBe('success')
    draft.tie(tie(1, 2, 'done', -1))
    expect(draft.retie(keyOf(tie(1, 2)), { offset: -1 })).toBe(keyOf(tie(1, 2)))
    const moved = draft.retie(keyOf(tie(1, 2)), { offset: -2 })
    expect(draft.ties.get(moved)?.offset).toBe(-2)
    expect(draft.ties.has(keyOf(tie(1, 2)))).toBe(false)
    expect(draft.retie(moved, { on: 'done' })).toBe(moved)
  })

  it('makes no step of what changes nothing', () => {
    const draft = new Draft(stored())
    draft.change(1, { name: 'fetch' })
    draft.retie(keyOf(tie(1, 2)), { on: 'success' })
    expect(draft.canUndo).toBe(false)
  })

  it('finds a free name', () => {
    const draft = new Draft(stored())
    expect(draft.freeName('job')).toBe('job')
    expect(draft.freeName('load')).toBe('load2')
  })
})

describe('a draft brought onto what somebody else has stored', () => {
  it('keeps what both did, with the versions of now', () => {
    const draft = new Draft(stored())
    draft.change(2, { name: 'load all', set: { command: 'sh all.sh' } })
    draft.tie(tie(2, 3))
    const theirs = stored()
    theirs.jobs[1] = job(2, 'load', { version: 2, enabled: false })
    theirs.ties.push(tie(1, 3, 'done'))
    const { draft: next, lost } = draft.onto(theirs)
    expect(lost).toEqual([])
    expect(next.jobs.get(2)).toMatchObject({ name: 'load all', enabled: false })
    expect(next.body()).toEqual({
      create: [],
      change: [
        { id: 2, version: 2, set: { name: 'load all', command: 'sh all.sh' } },
        { id: 3, version: 1, set: { depends_on: [{ job: 1, on: 'done' }, 2] } },
      ],
      delete: [],
    })
  })

  it('tells what is gone', () => {
    const draft = new Draft(stored())
    draft.change(1, { name: 'extract' })
    draft.tie(tie(3, 1))
    draft.remove(2)
    const theirs = { jobs: stored().jobs.filter((it) => it.id > 2), ties: [] }
    const { draft: next, lost } = draft.onto(theirs)
    expect(lost).toEqual(['extract', 'report → extract'])
    expect(next.changes()).toEqual([])
  })

  it('can be taken back as one step', () => {
    const draft = new Draft(stored())
    draft.add(fresh)
    draft.change(1, { enabled: false })
    const { draft: next } = draft.onto(stored())
    expect(next.changes()).toHaveLength(2)
    next.undo()
    expect(next.changes()).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { draftToCheck, toldOf } from './faults'
import { modelOf } from './model'
import { jobs } from './running'
import { alertChannels } from './telling'
import { schedules } from './timing'
import type { Fault, Problem } from '@/api/problem'

const problem = (...faults: Partial<Fault>[]): Problem => ({
  code: 'bad_definition', title: 'Bad', status: 422, detail: 'it is bad', faults: faults.map((it) => ({ field: '', code: 'x', message: 'no', ...it })),
})

describe('a draft that is checked', () => {
  it('is the body that would be saved, but for its secret', () => {
    const model = { ...modelOf(alertChannels, null), name: 'team', kind: 'slack', secret: 'https://hooks.example/T/SECRET' }
    const draft = draftToCheck(alertChannels, model, null, new Set())
    expect(draft).toMatchObject({ kind: 'alert-channels', put: { name: 'team', kind: 'slack', secret: 'https://not-sent.invalid/' } })
    expect(JSON.stringify(draft)).not.toContain('SECRET')
    expect(draft).not.toHaveProperty('target')
  })

  it('has no stand-in for a secret that is kept', () => {
    const item = { id: 7, name: 'team', version: 3, kind: 'slack', settings: {} }
    const draft = draftToCheck(alertChannels, modelOf(alertChannels, item), item, new Set())
    expect(draft.target).toBe(7)
    expect(draft.put).toMatchObject({ version: 3 })
    expect(draft.put).not.toHaveProperty('secret')
  })
})

describe('what is needed and not there yet', () => {
  it('does not keep the server from telling what is wrong with the rest', () => {
    const model = { ...modelOf(jobs, null), flow: 'load', name: 'a ' }
    expect(draftToCheck(jobs, model, null, new Set(['name'])).put).toMatchObject({ name: 'a ', command: 'x' })
    // Who has emptied it is told.
    expect(draftToCheck(jobs, model, null, new Set(['name', 'command'])).put).not.toHaveProperty('command')
  })
})

describe('what is told of a draft', () => {
  it('stands at its fields, also what is deep in one', () => {
    const told = toldOf(schedules, problem({ field: 'trigger.file', message: 'unknown' }, { field: 'start_by', message: 'late', remedy: 'later' }), {})
    expect(told.fields).toEqual({ trigger: 'unknown', start_by: 'late — later' })
    expect(told.rest).toEqual([])
  })

  it('shows a circle at what a job waits for', () => {
    const told = toldOf(jobs, problem({ code: 'cycle', message: 'a → b → a' }), {})
    expect(told.fields).toEqual({ depends_on: 'a → b → a' })
  })

  it('keeps back what is missing from fields that nobody has come to', () => {
    const missing = problem({ message: 'missing field `command`' }, { field: 'name', message: 'taken' })
    const model = { name: 'load', command: '' }
    expect(toldOf(jobs, missing, model, new Set(['name'])).fields).toEqual({ name: 'taken' })
    const zh = problem({ message: '缺少字段“command”' })
    expect(toldOf(jobs, zh, model, new Set(['name']))).toEqual({ fields: {}, rest: [] })
    expect(toldOf(jobs, missing, model, new Set(['name', 'command'])).fields).toHaveProperty('command')
    // A refused save tells all.
    expect(toldOf(jobs, missing, model).fields).toHaveProperty('command')
  })

  it('tells in words what no field stands for', () => {
    expect(toldOf(jobs, problem(), {}).rest).toEqual(['it is bad'])
    expect(toldOf(jobs, problem({ field: 'version', message: 'stale' }), {}).rest).toEqual(['stale'])
  })
})

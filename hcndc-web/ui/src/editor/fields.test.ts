import { describe, expect, it } from 'vitest'
import { formOf, setOf } from './fields'

const item = { id: 5, name: 'load', version: 2, enabled: true, flow: { id: 1, name: 'f' }, command: 'sh load.sh', depends_on: ['fetch'], env: { A: '1', B: '2' }, labels: { zone: 'a' }, timeout: '1h', retry: null, params: {}, success_codes: [0], priority: 0, slots: 1, pool: null, pool_slots: 1, expected: null, workdir: '', description: '', executor: null }

describe('the form of a job', () => {
  it('says nothing while nothing differs', () => {
    expect(setOf(item, formOf(item, {}))).toEqual({})
  })

  it('says each field that differs as a whole, and null for one that is put back', () => {
    const model = formOf(item, {})
    model['env'] = { B: '2' }
    model['timeout'] = ''
    model['executor'] = 'here'
    expect(setOf(item, model)).toEqual({ env: { B: '2' }, timeout: null, executor: 'here', labels: null })
  })

  it('shows again what the draft says', () => {
    const set = { command: 'true', timeout: null, env: { C: '3' } }
    const model = formOf(item, set)
    expect(model).toMatchObject(set)
    expect(setOf(item, model)).toEqual(set)
  })

  it('of a new job says what is not as it is by itself', () => {
    const http = { method: 'GET', url: 'http://dw/' }
    const called = { ...formOf(item, {}), command: '', http }
    expect(setOf(item, called)).toEqual({ command: null, http })
    expect(setOf(item, formOf(item, { command: null, http }))).toEqual({ command: null, http })
    const model = formOf(null, { command: 'true' })
    expect(setOf(null, model)).toEqual({ command: 'true' })
    model['priority'] = 3
    expect(setOf(null, model)).toEqual({ command: 'true', priority: 3 })
  })
})

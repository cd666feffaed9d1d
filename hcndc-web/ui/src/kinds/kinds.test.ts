import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KINDS } from '.'
import { bodyOf, fieldOfFault, modelOf } from './model'
import { flows, jobs } from './running'
import { valueText } from './text'

interface Schema {
  properties?: Record<string, unknown>
  oneOf?: Schema[]
}
interface Document {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: { $ref?: string } }> } }>>
  components: { schemas: Record<string, Schema> }
}
const document = JSON.parse(readFileSync(process.env['HCNDC_OPENAPI'] ?? '../../docs/openapi.json', 'utf8')) as Document

/** Fields of the body that the server takes for a kind; `null` if it has no such kind. */
function bodyFields(key: string): string[] | null {
  const body = document.paths[`/api/v1/${key}`]?.['post']?.requestBody?.content['application/json']?.schema.$ref
  const schema = body && document.components.schemas[body.split('/').pop() ?? '']
  if (!schema) return null
  const parts = [schema, ...(schema.oneOf ?? [])]
  return [...new Set(parts.flatMap((it) => Object.keys(it.properties ?? {})))].filter((it) => it !== 'version')
}

describe('kinds of definitions', () => {
  it('have a field for all that the server takes, and for nothing else', () => {
    for (const kind of KINDS) {
      const taken = bodyFields(kind.key)
      if (!taken) continue
      // The flow of a job stands beside its body, and so does what is only told once.
      const fields = kind.fields.filter((it) => !it.fixed && (!it.onlyNew || taken.includes(it.name))).flatMap((it) => (it.type === 'source' ? ['value', 'sql', 'context'] : it.type === 'work' ? ['command', 'http', 'sql', 'kettle'] : [it.name]))
      expect([...fields].sort(), kind.key).toEqual(taken.filter((it) => !kind.fields.some((field) => field.fixed && field.name === it)).sort())
    }
  })

  it('say all in both languages', () => {
    for (const kind of KINDS) {
      const pairs = [kind.one, kind.many, kind.about, kind.start, ...kind.columns.map((it) => it.label), ...kind.fields.flatMap((it) => [it.label, it.help])]
      for (const it of pairs) expect(it.en.trim() && it.zh.trim(), `${kind.key}: ${JSON.stringify(it)}`).toBeTruthy()
    }
  })
})

describe('a form', () => {
  const stored = { id: 7, name: 'load', version: 3, flow: { id: 1, name: 'night' }, command: 'sh load.sh', timeout: '2m', params: { a: '1', day: { shared: true }, rows: { output: 'fetch', default: '0' } }, depends_on: ['fetch'] }

  it('gives back what it was given', () => {
    const body = bodyOf(jobs, modelOf(jobs, stored), stored)
    expect(body).toMatchObject({ name: 'load', command: 'sh load.sh', timeout: '2m', params: stored.params, depends_on: ['fetch'], version: 3 })
    expect(body).not.toHaveProperty('flow')
  })

  it('sends one thing that a job does', () => {
    const model = modelOf(jobs, stored)
    expect(model).toMatchObject({ command: 'sh load.sh', http: null, sql: null, kettle: null })
    Object.assign(model, { command: '', http: { method: 'POST', url: 'http://dw/' } })
    const body = bodyOf(jobs, model, stored)
    expect(body).toMatchObject({ http: { method: 'POST', url: 'http://dw/' } })
    expect(body).not.toHaveProperty('command')
    expect(body).not.toHaveProperty('sql')
    const back = modelOf(jobs, { ...stored, command: '', sql: { data_source: 'dw', statement: 'select 1' } })
    expect(bodyOf(jobs, back, stored)).toMatchObject({ sql: { data_source: 'dw', statement: 'select 1' } })
    expect(fieldOfFault({ field: 'http.url', message: '' }, jobs)).toBe('command')
  })

  it('keeps column and type of a query, and lists tell them', () => {
    const params = KINDS.find((it) => it.key === 'params')!
    const sql = { data_source: 'dw', query: 'select id, day from batch', timeout: '10s', column: 'day', type: 'date' }
    const stored = { id: 3, name: 'day', version: 2, value: null, sql, context: null }
    expect(bodyOf(params, modelOf(params, stored), stored)).toMatchObject({ sql })
    expect(valueText('source', null, stored)).toBe('dw: select id, day from batch → day, date')
    const plain = { ...stored, sql: { ...sql, column: null, type: 'text' } }
    expect(valueText('source', null, plain)).toBe('dw: select id, day from batch')
    expect(bodyOf(params, modelOf(params, plain), plain)).toMatchObject({ sql: { column: null, type: 'text' } })
  })

  it('sends an empty text as one, for it is a value', () => {
    const params = KINDS.find((it) => it.key === 'params')!
    expect(bodyOf(params, { ...modelOf(params, null), name: 'none' }, null)).toMatchObject({ value: '' })
    expect(bodyOf(params, { ...modelOf(params, null), sql: { data_source: 'dw', query: 'select 1' } }, null)).not.toHaveProperty('value')
  })

  it('sends what was emptied as none, and no secret that was not entered', () => {
    const model = modelOf(jobs, stored)
    model['timeout'] = ''
    expect(bodyOf(jobs, model, stored)['timeout']).toBeNull()
    const channel = KINDS.find((it) => it.key === 'alert-channels')
    expect(channel && bodyOf(channel, modelOf(channel, null), null)).not.toHaveProperty('secret')
  })

  it('shows a fault at its field', () => {
    expect(fieldOfFault({ field: 'depends_on[2].job', message: '' }, jobs)).toBe('depends_on')
    expect(fieldOfFault({ field: '', message: 'field `name` is missing' }, flows)).toBe('name')
    expect(fieldOfFault({ field: 'nothing', message: 'something else' }, flows)).toBeNull()
  })
})

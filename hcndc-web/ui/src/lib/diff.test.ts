import { expect, test } from 'vitest'
import { fieldChanges, lineChanges } from './diff'

test('fields that differ are told, and the version is none of them', () => {
  const before = { version: 1, name: 'load', timeout: null, env: { A: '1', B: '2' }, params: { a: '1', b: '2' } }
  const after = { version: 2, name: 'load', timeout: '1h', env: { B: '2', A: '1' }, params: { b: '2', a: '1' }, pool: 'dw' }
  expect(fieldChanges(before, after).map((it) => it.field)).toEqual(['timeout', 'params', 'pool'])
  expect(fieldChanges(null, { name: 'x', version: 1 })).toEqual([{ field: 'name', before: undefined, after: 'x' }])
  expect(fieldChanges(before, before)).toEqual([])
  expect(fieldChanges({ pool: null }, {})).toEqual([])
})

test('lines that stayed are told once', () => {
  const told = lineChanges('set -e\nload a\nload b\ndone', 'set -e\nload b\nload c\ndone')
  expect(told.map((it) => it.sign + it.text)).toEqual([' set -e', '-load a', ' load b', '+load c', ' done'])
  expect(lineChanges('', 'x').map((it) => it.sign + it.text)).toEqual(['+x'])
})

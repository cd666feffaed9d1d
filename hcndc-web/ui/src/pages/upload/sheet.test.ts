import { expect, test } from 'vitest'
import { cellName, mediaType } from './sheet'

test('cells are named as workbooks name them', () => {
  expect([cellName(1, 2), cellName(26, 1), cellName(27, 10), cellName(703, 1), cellName(null, 4)]).toEqual(['A2', 'Z1', 'AA10', 'AAA1', '4'])
})

test('a sheet is sent as what its name says', () => {
  expect(mediaType('Flows.XLSX')).toContain('spreadsheetml')
  expect(mediaType('任务.csv')).toBe('text/csv')
  expect(mediaType('flows')).toBe('application/octet-stream')
})

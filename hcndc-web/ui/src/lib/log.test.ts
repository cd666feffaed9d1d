import { describe, expect, it } from 'vitest'
import { ansi, plain } from './log'

const E = '\u001b'

describe('the output of jobs', () => {
  it('has its colours, and nothing of what makes them', () => {
    expect(ansi(`${E}[1;31mERROR${E}[0m no table`)).toEqual([
      { text: 'ERROR', color: 1, bold: true },
      { text: ' no table', color: null, bold: false },
    ])
    expect(plain(`${E}[2K${E}[38;5;196mred${E}[39m`)).toBe('red')
  })

  it('takes the arguments of other colours for no codes', () => {
    expect(ansi(`${E}[38;5;31mx`)).toEqual([{ text: 'x', color: null, bold: false }])
    expect(ansi(`${E}[38;2;1;31;32my`)).toEqual([{ text: 'y', color: null, bold: false }])
  })
})

import { describe, expect, it } from 'vitest'
import { LogLines, LogSearch } from './logLines'

describe('the lines of an output', () => {
  it('are whole, wherever the pieces end', () => {
    const log = new LogLines()
    for (const piece of ['one\ntw', 'o\r\n', '\nfour']) log.take(piece)
    expect(log.lines).toEqual(['one', 'two', ''])
    log.end()
    expect(log.lines).toEqual(['one', 'two', '', 'four'])
    log.end()
    expect(log.lines).toHaveLength(4)
  })

  it('are the latest ones, with the numbers that they have in the whole', () => {
    const log = new LogLines(100)
    for (let i = 0; i < 1_000; i += 1) log.take(`line ${i}\n`)
    expect(log.lines.length).toBeLessThanOrEqual(105)
    expect(log.lines.length).toBeGreaterThanOrEqual(100)
    expect(log.lines[0]).toBe(`line ${log.dropped}`)
    expect(log.lines.at(-1)).toBe('line 999')
  })
})

describe('a search in them', () => {
  const always = () => true

  it('finds whatever the case and colours, and goes on with what comes in', () => {
    const log = new LogLines()
    log.take('an \u001b[31mERR\u001b[0mor\nnothing\n')
    const search = new LogSearch(log, 'Error')
    expect(search.go(always)).toBe(true)
    expect(search.found).toEqual([0])
    log.take('more error\n')
    expect(search.go(always)).toBe(true)
    expect(search.found).toEqual([0, 2])
  })

  it('stops when its time is up, and goes on where it was', () => {
    const log = new LogLines()
    for (let i = 0; i < 2_000; i += 1) log.take(`line ${i}\n`)
    const search = new LogSearch(log, 'line')
    let left = 1
    expect(search.go(() => left-- > 0)).toBe(false)
    expect(search.found).toHaveLength(500)
    expect(search.go(always)).toBe(true)
    expect(search.found).toHaveLength(2_000)
  })

  it('forgets what is no longer kept', () => {
    const log = new LogLines(10)
    for (let i = 0; i < 10; i += 1) log.take('x\n')
    const search = new LogSearch(log, 'x')
    search.go(always)
    for (let i = 0; i < 15; i += 1) log.take('x\n')
    search.go(always)
    expect(search.found[0]).toBe(log.dropped)
    expect(search.found).toHaveLength(log.lines.length)
  })
})

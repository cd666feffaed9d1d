import { describe, expect, it } from 'vitest'
import en from './en'
import zh from './zh'

function flat(messages: object, prefix = ''): Map<string, string> {
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') all.set(prefix + key, value)
    else for (const [k, v] of flat(value as object, `${prefix}${key}.`)) all.set(k, v)
  }
  return all
}
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((it) => it[1]).sort()

describe('sentences', () => {
  const [english, chinese] = [flat(en), flat(zh)]

  it('stand in both languages, and nowhere is one missing', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
    for (const [key, text] of [...english, ...chinese]) expect(text.trim(), key).not.toBe('')
  })

  it('hold the same figures in both languages', () => {
    for (const [key, text] of english) expect(placeholders(chinese.get(key) ?? ''), key).toEqual(placeholders(text))
  })
})

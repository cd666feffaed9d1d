import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PAUSE, useDraftCheck, type DraftEdit } from './useDraftCheck'
import { prefs } from '@/state/prefs'
import { ProblemError } from '@/api/problem'

interface Asked {
  body: DraftEdit
  signal: AbortSignal
  quiet: boolean
  answer: (told: unknown) => void
  fail: (error: unknown) => void
}
const asked: Asked[] = []
vi.mock('@/api/http', () => ({
  request: (_method: string, _path: string, options: Omit<Asked, 'answer' | 'fail'>) =>
    new Promise((answer, fail) => asked.push({ ...options, answer, fail })),
}))

let scope: EffectScope
let online = true
beforeEach(() => {
  vi.useFakeTimers()
  asked.length = 0
  online = true
  Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => online })
  scope = effectScope()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

function form() {
  const name = ref<string | null>(null)
  const check = scope.run(() => useDraftCheck(() => (name.value === null ? null : { kind: 'pools', put: { name: name.value } })))!
  const type = async (text: string | null, wait = PAUSE) => {
    name.value = text
    await nextTick()
    await vi.advanceTimersByTimeAsync(wait)
  }
  return { check, type }
}
const bad = { problem: { code: 'bad_definition', title: '', status: 422, detail: '', faults: [{ field: 'name', code: 'bad_name', message: 'no' }] } }

describe('a check while somebody types', () => {
  it('sends nothing of a form that was not changed, and waits for a pause', async () => {
    const { check, type } = form()
    await vi.advanceTimersByTimeAsync(10 * PAUSE)
    expect(asked).toHaveLength(0)
    await type('a', PAUSE - 1)
    await type('ab', PAUSE - 1)
    expect(asked).toHaveLength(0)
    await type('abc')
    expect(asked.map((it) => it.body.put['name'])).toEqual(['abc'])
    expect(asked[0]!.quiet).toBe(true)
    expect(check.state.value).toBe('checking')
    asked[0]!.answer(bad)
    await vi.advanceTimersByTimeAsync(0)
    expect(check.problem.value?.faults[0]?.field).toBe('name')
    expect(check.answers.value).toBe(1)
  })

  it('takes the newest answer, and gives the older request up', async () => {
    const { check, type } = form()
    await type('old')
    await type('new')
    expect(asked[0]!.signal.aborted).toBe(true)
    asked[1]!.answer({ problem: null })
    await vi.advanceTimersByTimeAsync(0)
    // It comes late, all the same.
    asked[0]!.answer(bad)
    await vi.advanceTimersByTimeAsync(0)
    expect(check.problem.value).toBeNull()
    expect(check.state.value).toBe('checked')
  })

  it('does not ask again about what it knows, and forgets a draft that is given up', async () => {
    const { check, type } = form()
    await type('a')
    asked[0]!.answer(bad)
    await vi.advanceTimersByTimeAsync(0)
    await type('ab', PAUSE - 1)
    await type('a')
    expect(asked).toHaveLength(1)
    await type(null)
    expect(check.problem.value).toBeNull()
    expect(check.state.value).toBe('idle')
  })

  it('sends nothing while offline, and asks when the network is back', async () => {
    const { type } = form()
    online = false
    await type('a')
    expect(asked).toHaveLength(0)
    online = true
    window.dispatchEvent(new Event('online'))
    await vi.advanceTimersByTimeAsync(PAUSE)
    expect(asked).toHaveLength(1)
  })

  it('asks anew in another language', async () => {
    const { type } = form()
    await type('a')
    asked[0]!.answer(bad)
    await vi.advanceTimersByTimeAsync(0)
    const before = prefs.locale
    prefs.locale = before === 'en' ? 'zh-CN' : 'en'
    await nextTick()
    await vi.advanceTimersByTimeAsync(PAUSE)
    prefs.locale = before
    expect(asked).toHaveLength(2)
  })

  it('holds nothing against a draft when asking fails, and never asks a server that cannot tell', async () => {
    const { check, type } = form()
    await type('a')
    asked[0]!.fail(new TypeError('no network'))
    await vi.advanceTimersByTimeAsync(0)
    expect(check.state.value).toBe('idle')
    await type('ab')
    expect(asked).toHaveLength(2)
    asked[1]!.fail(new ProblemError({ code: 'unknown_route', title: '', status: 404, detail: '', faults: [] }))
    await vi.advanceTimersByTimeAsync(0)
    await type('abc')
    expect(asked).toHaveLength(2)
  })
})

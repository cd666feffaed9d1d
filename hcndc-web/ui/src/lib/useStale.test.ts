import { effectScope, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AT_LAST, EVERY, useStale } from './useStale'

let tellEvent: (event: { kind: string }) => void = () => {}
vi.mock('@/api/events', () => ({ useEvents: (listener: (event: { kind: string }) => void) => (tellEvent = listener) }))

let hidden = false
let scope: EffectScope
beforeEach(() => {
  vi.useFakeTimers()
  hidden = false
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
  scope = effectScope()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})
function started(moves = () => false) {
  const load = vi.fn(async () => {})
  let stamp = 'a'
  scope.run(() => useStale(load, moves, async () => stamp))
  return { load, change: (to: string) => (stamp = to) }
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('figures that cost much', () => {
  it('are asked for once, and not again while nothing has happened', async () => {
    const { load } = started()
    await pass(0)
    expect(load).toHaveBeenCalledTimes(1)
    await pass(AT_LAST - EVERY)
    expect(load).toHaveBeenCalledTimes(1)
    await pass(EVERY)
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('are asked for again when something has run or was changed', async () => {
    const { load, change } = started()
    await pass(0)
    tellEvent({ kind: 'execution' })
    await pass(EVERY)
    expect(load).toHaveBeenCalledTimes(2)
    await pass(EVERY)
    expect(load).toHaveBeenCalledTimes(2)
    change('b')
    await pass(EVERY)
    expect(load).toHaveBeenCalledTimes(3)
  })

  it('are asked for each time while what is shown moves by itself', async () => {
    const { load } = started(() => true)
    await pass(2 * EVERY)
    expect(load).toHaveBeenCalledTimes(3)
  })

  it('are not asked for while nobody looks, and when somebody looks again', async () => {
    hidden = true
    const { load } = started(() => true)
    await pass(3 * EVERY)
    expect(load).not.toHaveBeenCalled()
    hidden = false
    document.dispatchEvent(new Event('visibilitychange'))
    await pass(0)
    expect(load).toHaveBeenCalledTimes(1)
    // Only a moment later there is nothing new to ask.
    document.dispatchEvent(new Event('visibilitychange'))
    await pass(0)
    expect(load).toHaveBeenCalledTimes(1)
  })
})

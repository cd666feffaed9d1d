import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

/** What a browser's stream is to this module. */
class Stream extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  static all: Stream[] = []
  readyState = Stream.CONNECTING
  constructor() {
    super()
    Stream.all.push(this)
  }
  close() {
    this.readyState = Stream.CLOSED
  }
  opens() {
    this.readyState = Stream.OPEN
    this.dispatchEvent(new Event('open'))
  }
  refused() {
    this.readyState = Stream.CLOSED
    this.dispatchEvent(new Event('error'))
  }
}

/** The module anew, for it keeps its stream. */
async function fresh() {
  vi.resetModules()
  Stream.all = []
  return import('./events')
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Stream)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('what happens, live', () => {
  it('is looked at again when the stream is open: what came between was told to nobody', async () => {
    const { useLive } = await fresh()
    const refresh = vi.fn()
    const scope = effectScope()
    scope.run(() => useLive(refresh, () => false))
    expect(refresh).not.toHaveBeenCalled()
    Stream.all[0]?.opens()
    expect(refresh).toHaveBeenCalledTimes(1)
    scope.stop()
  })

  it('comes by one stream, which the next page takes over', async () => {
    const { useEvents, LINGER } = await fresh()
    const first = effectScope()
    first.run(() => useEvents(() => {}))
    first.stop()
    vi.advanceTimersByTime(LINGER - 1)
    const second = effectScope()
    second.run(() => useEvents(() => {}))
    vi.advanceTimersByTime(10 * LINGER)
    expect(Stream.all.map((it) => it.readyState)).toEqual([Stream.CONNECTING])
    second.stop()
    vi.advanceTimersByTime(LINGER)
    expect(Stream.all.map((it) => it.readyState)).toEqual([Stream.CLOSED])
  })

  it('goes on after somebody has signed in again', async () => {
    const { useEvents, AGAIN } = await fresh()
    const told = vi.fn()
    const scope = effectScope()
    scope.run(() => useEvents(told))
    Stream.all[0]?.refused()
    vi.advanceTimersByTime(AGAIN)
    Stream.all[1]?.opens()
    expect(told).toHaveBeenCalledWith({ kind: 'open' })
    scope.stop()
    vi.advanceTimersByTime(2 * AGAIN)
    expect(Stream.all).toHaveLength(2)
  })
})

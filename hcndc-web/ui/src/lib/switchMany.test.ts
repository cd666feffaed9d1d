import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ProblemError } from '@/api/problem'
import { jobs } from '@/kinds/running'
import type { Item } from '@/kinds/types'
import { switchBack, switchMany } from './switchMany'
import { prefs } from '@/state/prefs'

const calls: { method: string; path: string; body: unknown }[] = []
const asks: { title: string; text: string; danger?: boolean }[] = []
let yes = true
let refuse: Record<string, string> = {}
vi.mock('@/api/http', () => ({
  request: async (method: string, path: string, options: { body: Record<string, unknown> }) => {
    calls.push({ method, path, body: options.body })
    if (refuse[path]) throw new ProblemError({ code: 'forbidden', title: 'Not allowed', status: 403, detail: refuse[path], faults: [] })
    const id = Number(path.split('/').pop())
    return { id, name: `j${id}`, flow: { id: 1, name: 'load' }, version: 9, ...options.body }
  },
}))
vi.mock('@/parts/ask', () => ({ ask: async (it: (typeof asks)[number]) => (asks.push(it), yes), tell: () => {} }))

const job = (id: number, enabled: boolean): Item => ({ id, name: `j${id}`, flow: { id: 1, name: 'load' }, version: 4, enabled })
beforeEach(() => {
  calls.length = 0
  asks.length = 0
  yes = true
  refuse = {}
  prefs.locale = 'en'
})

describe('many that are disabled at once', () => {
  it('says before which ones and what it will do, and leaves alone what is so already', async () => {
    const told = await switchMany(jobs, [job(1, true), job(2, false), job(3, true)], false)
    expect(asks[0]!.title).toBe('Disable: 2 jobs')
    expect(asks[0]!.text).toContain('skip these 2 jobs')
    expect(asks[0]!.text).toContain('load/j1, load/j3')
    expect(asks[0]!.text).toContain('Already so: 1.')
    expect(calls).toEqual([
      { method: 'PATCH', path: '/jobs/1', body: { enabled: false } },
      { method: 'PATCH', path: '/jobs/3', body: { enabled: false } },
    ])
    expect(told?.done.map((it) => it.id)).toEqual([1, 3])
  })

  it('does nothing if nobody says yes, or if nothing is to be done', async () => {
    yes = false
    expect(await switchMany(jobs, [job(1, true)], false)).toBeNull()
    yes = true
    expect(await switchMany(jobs, [job(1, false)], false)).toBeNull()
    expect(asks).toHaveLength(1)
    expect(calls).toEqual([])
  })

  it('lists what was refused, does the others, and undoes only those, unless somebody has changed them', async () => {
    refuse = { '/jobs/2': 'role of /retail only' }
    const told = (await switchMany(jobs, [1, 2, 3].map((id) => job(id, true)), false))!
    expect(told.done.map((it) => it.id)).toEqual([1, 3])
    expect(told.refused).toEqual([{ name: 'load/j2', why: 'role of /retail only' }])
    calls.length = 0
    refuse = { '/jobs/3': 'it is at version 10' }
    const back = await switchBack(jobs, told)
    expect(calls).toEqual([
      { method: 'PATCH', path: '/jobs/1', body: { enabled: true, version: 9 } },
      { method: 'PATCH', path: '/jobs/3', body: { enabled: true, version: 9 } },
    ])
    expect(back).toMatchObject({ on: true, undone: true, refused: [{ name: 'load/j3', why: 'it is at version 10' }] })
  })
})

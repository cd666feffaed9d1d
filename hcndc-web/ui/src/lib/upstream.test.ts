import { describe, expect, it } from 'vitest'
import { upstreamOf } from './upstream'

describe('what a job waits for', () => {
  const jobs = [
    { name: 'count', depends_on: ['fetch/orders'] },
    { name: 'clean', depends_on: ['count', { job: 'early', on: 'done' }, { job: 'count', offset_days: -1 }] },
    { name: 'early', depends_on: [{ job: 'yesterday', offset_days: -1 }] },
    { name: 'yesterday' },
  ]

  it('is found through others, the nearest first', () => {
    expect(upstreamOf(['clean'], jobs)).toEqual(['clean', 'count', 'early', 'fetch/orders'])
  })

  it('is no other date\'s', () => {
    expect(upstreamOf([{ job: 'clean', offset_days: -1 }], jobs)).toEqual([])
    expect(upstreamOf(null, jobs)).toEqual([])
  })
})

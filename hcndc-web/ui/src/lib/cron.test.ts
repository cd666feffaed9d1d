import { describe, expect, it } from 'vitest'
import { CRON_FIELDS, readCron, readPart, writeCron } from './cron'

describe('cron expressions', () => {
  it('come back as they were written', () => {
    for (const text of ['0 2 * * *', '*/15 8-18 * * 1-5', '5-59/10 0 1,15 * *', '0 0 L * 5#2', '30 6 1-31/2 JAN *']) {
      const parts = readCron(text)
      expect(parts && writeCron(parts)).toBe(text)
    }
  })

  it('of other numbers of fields are left alone', () => {
    expect(readCron('@daily')).toBeNull()
    expect(readCron('0 0 2 ? * MON-FRI')).toBeNull()
  })

  it('keep what the four ways cannot say', () => {
    const [minute] = CRON_FIELDS
    expect(minute && readPart('0-10/5', minute)).toEqual({ way: 'custom', text: '0-10/5' })
    expect(minute && readPart('60', minute)).toEqual({ way: 'custom', text: '60' })
    expect(minute && readPart('50-10', minute)).toEqual({ way: 'custom', text: '50-10' })
  })
})

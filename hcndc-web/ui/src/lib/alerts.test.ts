import { describe, expect, it } from 'vitest'
import { asksForSomebody, pageOfAlert, standing, type Alert } from './alerts'

const at = '2026-11-21T18:00:00Z'
const none = { acknowledged_at: null, over_at: null, escalated: null, escalate_at: null }
const alert = (more: Partial<Alert>) => ({ ...none, id: 1, event: 'job_failed', ...more }) as Alert

describe('an alert', () => {
  it('stands where the latest of what happened to it put it', () => {
    expect(standing(none)).toBe('open')
    expect(standing({ ...none, escalate_at: at })).toBe('pending')
    expect(standing({ ...none, escalated: 2 })).toBe('escalated')
    expect(standing({ ...none, escalated: 2, over_at: at })).toBe('over')
    expect(standing({ ...none, escalated: 2, over_at: at, acknowledged_at: at })).toBe('acknowledged')
  })

  it('asks for somebody until it is acknowledged or over, unless it is good news', () => {
    expect(asksForSomebody(alert({}))).toBe(true)
    expect(asksForSomebody(alert({ escalated: 2 }))).toBe(true)
    expect(asksForSomebody(alert({ acknowledged_at: at }))).toBe(false)
    expect(asksForSomebody(alert({ over_at: at }))).toBe(false)
    expect(asksForSomebody(alert({ event: 'execution_succeeded' }))).toBe(false)
  })

  it('leads to what it is about', () => {
    expect(pageOfAlert({ execution: 7, schedule: 3 })).toBe('/execute/7/')
    expect(pageOfAlert({ executor: 4 })).toBe('/base/exec/host/4/')
    expect(pageOfAlert({ data_source: 5 })).toBe('/datasource/5/')
    expect(pageOfAlert({ schedule: 3 })).toBe('/dispatch/3/')
  })
})

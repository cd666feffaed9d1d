/** Alerts as people see them: what happened, where more stands, and who takes care of it. */
import type { components } from '@/api/schema'
import { post } from '@/api/http'
import { say, t } from '@/i18n'
import { EVENTS } from '@/kinds/telling'
import { tell, tellProblem } from '@/parts/ask'

export type Alert = components['schemas']['Alert']

/** What happened, in a few words. */
export function eventText(event: string): string {
  const known = EVENTS.find((it) => it.value === event)
  return known ? say(known.label) : event
}

/** Where more is told of what an alert is about. */
export function pageOfAlert(alert: Pick<Alert, 'execution' | 'executor' | 'data_source' | 'schedule'>): string {
  if (alert.execution) return `/execute/${alert.execution}/`
  if (alert.executor) return `/base/exec/host/${alert.executor}/`
  if (alert.data_source) return `/datasource/${alert.data_source}/`
  return alert.schedule ? `/dispatch/${alert.schedule}/` : '/dispatch/'
}

/** Where somebody stands with an alert. */
export type Standing = 'acknowledged' | 'over' | 'escalated' | 'pending' | 'open'
export function standing(alert: Pick<Alert, 'acknowledged_at' | 'over_at' | 'escalated' | 'escalate_at'>): Standing {
  if (alert.acknowledged_at) return 'acknowledged'
  if (alert.over_at) return 'over'
  if (alert.escalated) return 'escalated'
  return alert.escalate_at ? 'pending' : 'open'
}

/** Whether it is worth a button: nobody has taken it, it is not over, and it is no good news. */
export const asksForSomebody = (alert: Alert): boolean => !['acknowledged', 'over'].includes(standing(alert)) && alert.event !== 'execution_succeeded'

/** Says that whoever is signed in takes care of these; whether that was done. */
export async function acknowledge(ids: number[]): Promise<boolean> {
  try {
    // 1,000 at once are what the server takes.
    for (let at = 0; at < ids.length; at += 1000) await post('/alerts/acknowledge', { ids: ids.slice(at, at + 1000) })
    tell(t('alert.done', { n: ids.length }))
    return true
  } catch (error) {
    tellProblem(error)
    return false
  }
}

/** What is done to many at once: each is told apart when some of them refuse. */
import type { Execution } from '@/api/client'
import { post } from '@/api/http'
import type { Problem } from '@/api/problem'
import { t } from '@/i18n'
import { commandsOf } from './controls'
import { ask, tell, tellProblem, warn } from '@/parts/ask'

export type ManyCommand = 'stop' | 'pause' | 'resume'
export const MANY: ManyCommand[] = ['pause', 'stop', 'resume']

/** Those of some executions that take a command in their state. */
export const takers = (what: ManyCommand, executions: Execution[]): Execution[] => executions.filter((it) => commandsOf(it).includes(what) || (what === 'resume' && commandsOf(it).includes('unpause')))

interface Outcomes {
  items: { id: number; problem?: Problem | null }[]
}

/** Asks, does it to each, and says what came of it; whether it was done to any. */
export async function commandMany(what: ManyCommand, executions: Execution[]): Promise<boolean> {
  const those = takers(what, executions)
  const running = those.reduce((sum, it) => sum + ((it.job_runs as Record<string, number>)['running'] ?? 0) + ((it.job_runs as Record<string, number>)['dispatched'] ?? 0), 0)
  const sure = await ask({
    title: `${t(`control.${what}`)}: ${t('control.executions', { n: those.length })}`,
    text: t(`control.${what}Many`, { n: those.length, running }), action: t(`control.${what}`), danger: what === 'stop',
  })
  if (!sure) return false
  try {
    // 200 at once are what the server takes.
    for (let at = 0; at < those.length; at += 200) {
      const told = await post<Outcomes>(`/executions/${what}`, { ids: those.slice(at, at + 200).map((it) => it.id) })
      const refused = told.items.filter((it) => it.problem)
      if (refused.length) warn(refused.slice(0, 5).map((it) => `${it.id}: ${it.problem!.detail || it.problem!.title}`).join('; '))
      else tell(t('control.done'))
    }
    return true
  } catch (error) {
    tellProblem(error)
    return false
  }
}

/** What people may do to executions and job runs: when it makes sense, and what it will do, in words. */
import type { Execution, JobRun } from '@/api/client'
import { post } from '@/api/http'
import { t } from '@/i18n'
import { ask, tell, tellProblem } from '@/parts/ask'

export type Command = 'stop' | 'pause' | 'unpause' | 'resume' | 'reset'
export type JobCommand = 'rerun' | 'skip' | 'mark' | 'kill'

const sum = (counts: Record<string, number>, states: string[]) => states.reduce((n, it) => n + (counts[it] ?? 0), 0)

/** Commands that an execution takes in its state, the likeliest first. */
export function commandsOf(execution: Execution): Command[] {
  switch (execution.state) {
    case 'running':
      return ['pause', 'stop']
    case 'paused':
      return ['unpause', 'stop']
    case 'stopping':
      return []
    case 'failed':
    case 'stopped':
      return ['resume', 'reset']
    case 'succeeded':
      return ['reset']
    default:
      return []
  }
}

/** Commands that a job run takes in its state. */
export function jobCommandsOf(run: JobRun, execution: Execution): JobCommand[] {
  const commands: JobCommand[] = []
  if (['running', 'dispatched', 'queued'].includes(run.state) && execution.state !== 'stopping') commands.push('kill')
  if (['succeeded', 'failed', 'stopped'].includes(execution.state)) commands.push('rerun')
  if (['blocked', 'queued', 'retry_wait', 'failed', 'killed', 'upstream_failed'].includes(run.state)) commands.push('skip', 'mark')
  return commands
}

function textOf(command: Command, execution: Execution): string {
  const counts = execution.job_runs as Record<string, number>
  const figures = {
    running: sum(counts, ['running', 'dispatched']),
    left: sum(counts, ['blocked', 'queued', 'retry_wait']),
    again: sum(counts, ['failed', 'killed', 'upstream_failed', 'blocked', 'queued', 'retry_wait']),
    done: sum(counts, ['succeeded']),
    total: execution.progress.total,
  }
  return t(`control.${command}Text`, figures)
}

/** Asks, does it, and says so; whether it was done. */
export async function command(what: Command, execution: Execution): Promise<boolean> {
  const sure = await ask({
    title: `${t(`control.${what}`)}: ${t('execution.one', { id: execution.id })}`,
    text: textOf(what, execution),
    action: t(`control.${what}`),
    danger: what === 'stop' || what === 'reset',
  })
  return sure && carryOut(() => post(`/executions/${execution.id}/${what}`))
}

export async function jobCommand(what: JobCommand, run: JobRun): Promise<boolean> {
  const job = `${run.flow.name}/${run.job.name}`
  const sure = await ask({ title: `${t(`control.${what}`)}: ${job}`, text: t(`control.${what}Text`, { job }), action: t(`control.${what}`), danger: what === 'kill' })
  if (!sure) return false
  const execution = `/executions/${run.execution}`
  const calls: Record<JobCommand, () => Promise<unknown>> = {
    rerun: () => post(`${execution}/rerun`, { from: [run.id] }),
    skip: () => post(`${execution}/skip`, { job_runs: [run.id] }),
    mark: () => post(`${execution}/mark-succeeded`, { job_runs: [run.id] }),
    kill: () => post(`/job-runs/${run.id}/kill`),
  }
  return carryOut(calls[what])
}

async function carryOut(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call()
    tell(t('control.done'))
    return true
  } catch (error) {
    tellProblem(error)
    return false
  }
}

/** States of all that runs: which colour they have, which sign, and whether they are over. */
import {
  CircleCheckFilled, CircleCloseFilled, Clock, MoreFilled, Remove, RefreshRight, VideoPause, VideoPlay, DArrowRight, Link, Warning,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'

export type Tone = 'succeeded' | 'failed' | 'running' | 'waiting' | 'paused' | 'stopped' | 'skipped'

export const STATES = {
  succeeded: { tone: 'succeeded', icon: CircleCheckFilled },
  failed: { tone: 'failed', icon: CircleCloseFilled },
  upstream_failed: { tone: 'failed', icon: Warning },
  timed_out: { tone: 'failed', icon: Clock },
  lost: { tone: 'failed', icon: Warning },
  not_started: { tone: 'failed', icon: Warning },
  running: { tone: 'running', icon: VideoPlay },
  dispatched: { tone: 'running', icon: DArrowRight },
  queued: { tone: 'waiting', icon: MoreFilled },
  blocked: { tone: 'waiting', icon: Clock },
  waiting: { tone: 'waiting', icon: Clock },
  retry_wait: { tone: 'paused', icon: RefreshRight },
  paused: { tone: 'paused', icon: VideoPause },
  stopping: { tone: 'stopped', icon: Remove },
  stopped: { tone: 'stopped', icon: Remove },
  killed: { tone: 'stopped', icon: Remove },
  skipped: { tone: 'skipped', icon: DArrowRight },
  joined: { tone: 'skipped', icon: Link },
} satisfies Record<string, { tone: Tone; icon: Component }>

export type State = keyof typeof STATES

export function stateOf(state: string): { tone: Tone; icon: Component } {
  return STATES[state as State] ?? { tone: 'waiting', icon: MoreFilled }
}

/** States of job runs in the order in which people look for them: what went wrong first. */
export const JOB_RUN_STATES = [
  'failed', 'killed', 'upstream_failed', 'running', 'dispatched', 'retry_wait', 'queued', 'blocked', 'skipped', 'succeeded',
] as const
export const EXECUTION_STATES = ['running', 'paused', 'stopping', 'succeeded', 'failed', 'stopped'] as const

export const BACKFILL_STATES = ['running', 'stopping', 'succeeded', 'failed', 'stopped'] as const

export const isLive = (state: string): boolean => ['running', 'paused', 'stopping'].includes(state)

const PIECES: [Tone, string[]][] = [
  ['succeeded', ['succeeded']],
  ['skipped', ['skipped']],
  ['failed', ['failed', 'upstream_failed']],
  ['stopped', ['killed', 'stopped']],
  ['running', ['running', 'dispatched']],
  ['paused', ['retry_wait']],
  ['waiting', ['queued', 'blocked', 'waiting']],
]

/** Counts by state as the pieces of a bar. */
export function pieces(counts: Record<string, number>): { tone: Tone; count: number }[] {
  return PIECES.map(([tone, states]) => ({ tone, count: states.reduce((sum, it) => sum + (counts[it] ?? 0), 0) })).filter(
    (it) => it.count > 0,
  )
}

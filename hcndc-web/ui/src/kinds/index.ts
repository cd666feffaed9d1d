/** All kinds of definitions that have pages. */
import { executors, flows, jobs, pools } from './running'
import { roles, tokens, users } from './people'
import { alertChannels, alertRules } from './telling'
import { calendars, dataSources, fileEvents, fileServers, params, schedules, webhooks } from './timing'
import type { Kind } from './types'

export const KINDS: Kind[] = [
  flows, jobs, schedules, executors, pools, calendars, params, dataSources, fileServers, fileEvents, webhooks, alertChannels, alertRules,
  users, roles, tokens,
]

export const kindOf = (key: string): Kind | undefined => KINDS.find((it) => it.key === key)

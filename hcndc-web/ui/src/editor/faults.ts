/** Whose faults they are that the server finds in an edit of several jobs. */
import type { Change } from './draft'
import type { Fault } from '@/api/problem'

/** A fault of a job of the draft, its field without the way to the job. */
export interface Blamed {
  job: number
  name: string
  fault: Fault
}

/** A job is meant by its place among what was sent, or by the name that it is to have. */
export function blamed(faults: Fault[], sent: Change[]): Blamed[] {
  const created = sent.filter((it) => it.kind === 'create')
  const changed = sent.filter((it) => it.kind === 'change')
  const found: Blamed[] = []
  for (const fault of faults) {
    const [, list, at, field] = /^(create|change)\[(\d+)\]\.?(?:set\.?)?(.*)$/.exec(fault.field) ?? []
    const named = fault.subject?.kind === 'job' ? sent.find((it) => it.job.name === fault.subject?.name) : undefined
    const change = list ? (list === 'create' ? created : changed)[Number(at)] : named
    if (change) found.push({ job: change.job.id, name: change.job.name, fault: list ? { ...fault, field: field ?? '' } : fault })
  }
  return found
}

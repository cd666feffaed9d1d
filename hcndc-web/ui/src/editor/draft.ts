/**
 * A draft of a flow's jobs and of what ties them: each step can be taken back, and all of it is sent as one edit. It holds what
 * differs from what is stored, so that what somebody else changed elsewhere in a job stays as they made it.
 */

export type On = 'success' | 'failure' | 'done'

export interface DraftJob {
  /** Below zero for a job that is not stored yet. */
  readonly id: number
  readonly name: string
  readonly enabled: boolean
  /** The version that the draft began with; null for a new one. */
  readonly version: number | null
  /** Of another flow: it is shown for what is tied to it, and not changed. */
  readonly outside: boolean
  /** Fields that differ from what is stored, as the API calls them, but for name, enabled and dependencies. */
  readonly set: Readonly<Record<string, unknown>>
  /** The middle of its box. Places are for the eye: they are not stored. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface DraftTie {
  readonly from: number
  readonly to: number
  readonly on: On
  /** Days by which the data date asked for differs from the run's own. */
  readonly offset: number
  readonly waitLimit: string | null
}

/** One job may be asked for at several dates; for each of them once. */
export const keyOf = (tie: { from: number; to: number; offset: number }): string => `${tie.from}>${tie.to}@${tie.offset}`

export interface Stored {
  jobs: DraftJob[]
  ties: DraftTie[]
}

interface Turn<K, V> {
  key: K
  before: V | undefined
  after: V | undefined
}
interface Step {
  jobs: Turn<number, DraftJob>[]
  ties: Turn<string, DraftTie>[]
}

export interface FieldChange {
  field: string
  before: unknown
  after: unknown
}
export interface Change {
  kind: 'create' | 'change' | 'delete'
  job: DraftJob
  fields: FieldChange[]
  /** Ties to what it waits for. */
  added: DraftTie[]
  removed: DraftTie[]
  changed: { before: DraftTie; after: DraftTie }[]
}

/** A dependency as the API takes it. */
type Dependency = number | string | { job: number | string; on: On; offset_days?: number; wait_limit?: string }
export interface EditBody {
  create: Record<string, unknown>[]
  change: { id: number; version: number | null; set: Record<string, unknown> }[]
  delete: { id: number; version: number | null }[]
}

const LONGEST_HISTORY = 500

export class Draft {
  readonly jobs = new Map<number, DraftJob>()
  readonly ties = new Map<string, DraftTie>()
  private base: { jobs: Map<number, DraftJob>; ties: Map<string, DraftTie> }
  private done: Step[] = []
  private undone: Step[] = []
  private open: Step | null = null
  private lastNew = 0

  constructor(stored: Stored) {
    for (const job of stored.jobs) this.jobs.set(job.id, job)
    for (const tie of stored.ties) this.ties.set(keyOf(tie), tie)
    this.base = { jobs: new Map(this.jobs), ties: new Map(this.ties) }
  }

  get canUndo(): boolean {
    return this.done.length > 0
  }
  get canRedo(): boolean {
    return this.undone.length > 0
  }

  /** All that is done within is one step. */
  step(work: () => void): void {
    if (this.open) return work()
    const step: Step = { jobs: [], ties: [] }
    this.open = step
    try {
      work()
    } finally {
      this.open = null
    }
    if (!step.jobs.length && !step.ties.length) return
    this.done.push(step)
    if (this.done.length > LONGEST_HISTORY) this.done.shift()
    this.undone = []
  }

  undo(): boolean {
    const step = this.done.pop()
    if (!step) return false
    for (const it of [...step.ties].reverse()) put(this.ties, it.key, it.before)
    for (const it of [...step.jobs].reverse()) put(this.jobs, it.key, it.before)
    this.undone.push(step)
    return true
  }

  redo(): boolean {
    const step = this.undone.pop()
    if (!step) return false
    for (const it of step.jobs) put(this.jobs, it.key, it.after)
    for (const it of step.ties) put(this.ties, it.key, it.after)
    this.done.push(step)
    return true
  }

  private putJob(key: number, after: DraftJob | undefined): void {
    this.step(() => {
      this.open?.jobs.push({ key, before: this.jobs.get(key), after })
      put(this.jobs, key, after)
    })
  }
  private putTie(key: string, after: DraftTie | undefined): void {
    this.step(() => {
      this.open?.ties.push({ key, before: this.ties.get(key), after })
      put(this.ties, key, after)
    })
  }

  /** Adds a job of the flow; tells its id. */
  add(job: Pick<DraftJob, 'name' | 'x' | 'y' | 'width' | 'height'> & { set: Record<string, unknown> }): number {
    this.lastNew -= 1
    const id = this.lastNew
    this.putJob(id, { ...job, id, enabled: true, version: null, outside: false })
    return id
  }

  /** Shows a job of another flow, so that something can be tied to it. */
  bring(job: Omit<DraftJob, 'version' | 'outside' | 'set'>): void {
    if (!this.jobs.has(job.id)) this.putJob(job.id, { ...job, version: null, outside: true, set: {} })
  }

  change(id: number, part: Partial<Omit<DraftJob, 'id' | 'version' | 'outside'>>): void {
    const job = this.jobs.get(id)
    if (!job) return
    const after = { ...job, ...part }
    if (JSON.stringify(after) !== JSON.stringify(job)) this.putJob(id, after)
  }

  move(id: number, x: number, y: number): void {
    this.change(id, { x, y })
  }

  /** Takes a job away with all that ties it. */
  remove(id: number): void {
    this.step(() => {
      for (const [key, tie] of this.ties) if (tie.from === id || tie.to === id) this.putTie(key, undefined)
      this.putJob(id, undefined)
    })
  }

  tie(tie: DraftTie): void {
    if (!this.ties.has(keyOf(tie))) this.putTie(keyOf(tie), tie)
  }

  /** What a tie says becomes this; another offset makes it another one. */
  retie(key: string, part: Partial<Pick<DraftTie, 'on' | 'offset' | 'waitLimit'>>): string {
    const tie = this.ties.get(key)
    if (!tie) return key
    const after = { ...tie, ...part }
    const next = keyOf(after)
    if (JSON.stringify(after) === JSON.stringify(tie) || (next !== key && this.ties.has(next))) return key
    this.step(() => {
      if (next !== key) this.putTie(key, undefined)
      this.putTie(next, after)
    })
    return next
  }

  untie(key: string): void {
    if (this.ties.has(key)) this.putTie(key, undefined)
  }

  /** A name that no job of the flow has. */
  freeName(wanted: string): string {
    const names = new Set([...this.jobs.values()].filter((it) => !it.outside).map((it) => it.name))
    if (!names.has(wanted)) return wanted
    for (let n = 2; ; n += 1) if (!names.has(`${wanted}${n}`)) return `${wanted}${n}`
  }

  /** What differs from what is stored, job by job. */
  changes(): Change[] {
    const found: Change[] = []
    const tied = this.tieChanges()
    for (const [id, job] of this.jobs) {
      if (job.outside) continue
      const before = this.base.jobs.get(id)
      const fields = before ? fieldChanges(before, job) : Object.entries({ ...job.set, ...(job.enabled ? {} : { enabled: false }) }).map(([field, after]) => ({ field, before: undefined, after }))
      const ties = tied.get(id) ?? { added: [], removed: [], changed: [] }
      if (!before) found.push({ kind: 'create', job, fields, ...ties })
      else if (fields.length || ties.added.length || ties.removed.length || ties.changed.length) found.push({ kind: 'change', job, fields, ...ties })
    }
    for (const [id, job] of this.base.jobs) {
      if (!job.outside && !this.jobs.has(id)) found.push({ kind: 'delete', job, fields: [], added: [], removed: [], changed: [] })
    }
    return found
  }

  private tieChanges(): Map<number, Pick<Change, 'added' | 'removed' | 'changed'>> {
    const of = new Map<number, Pick<Change, 'added' | 'removed' | 'changed'>>()
    const at = (id: number) => {
      const there = of.get(id) ?? { added: [], removed: [], changed: [] }
      of.set(id, there)
      return there
    }
    for (const [key, tie] of this.ties) {
      const before = this.base.ties.get(key)
      if (!before) at(tie.to).added.push(tie)
      else if (before.on !== tie.on || before.waitLimit !== tie.waitLimit) at(tie.to).changed.push({ before, after: tie })
    }
    for (const [key, tie] of this.base.ties) if (!this.ties.has(key)) at(tie.to).removed.push(tie)
    return of
  }

  /** The name of a job, also of one that is stored and no longer drawn. */
  nameOf(id: number): string {
    return (this.jobs.get(id) ?? this.base.jobs.get(id))?.name ?? String(id)
  }

  /** The one request that stores it. */
  body(): EditBody {
    const body: EditBody = { create: [], change: [], delete: [] }
    for (const it of this.changes()) {
      const { job } = it
      if (it.kind === 'delete') {
        body.delete.push({ id: job.id, version: job.version })
        continue
      }
      const set: Record<string, unknown> = Object.fromEntries(it.fields.map(({ field, after }) => [field, after]))
      if (it.kind === 'create') {
        body.create.push({ ...set, name: job.name, depends_on: this.dependencies(job.id) })
        continue
      }
      if (it.added.length || it.removed.length || it.changed.length) set['depends_on'] = this.dependencies(job.id)
      body.change.push({ id: job.id, version: job.version, set })
    }
    return body
  }

  private dependencies(id: number): Dependency[] {
    return [...this.ties.values()].filter((it) => it.to === id).map((it) => {
      // Stored jobs are meant by their ids, which outlast a change of names.
      const job = it.from < 0 ? this.nameOf(it.from) : it.from
      if (it.on === 'success' && !it.offset && !it.waitLimit) return job
      return { job, on: it.on, ...(it.offset ? { offset_days: it.offset } : {}), ...(it.waitLimit ? { wait_limit: it.waitLimit } : {}) }
    })
  }

  /**
   * The same changes made to what is stored by now. What somebody else changed stays, unless the draft changes that, too; `lost`
   * names what could not be taken over, because it is gone.
   */
  onto(stored: Stored): { draft: Draft; lost: string[] } {
    const draft = new Draft(stored)
    const lost: string[] = []
    draft.lastNew = this.lastNew
    draft.step(() => {
      for (const it of this.changes()) {
        if (it.kind === 'create') draft.putJob(it.job.id, it.job)
        else if (!draft.jobs.has(it.job.id)) {
          if (it.kind === 'change') lost.push(it.job.name)
        } else if (it.kind === 'delete') draft.remove(it.job.id)
        else draft.change(it.job.id, partOf(it))
      }
      for (const [id, job] of this.jobs) {
        if (job.outside && !draft.jobs.has(id) && [...this.ties.values()].some((it) => it.from === id)) draft.putJob(id, job)
        else if (draft.jobs.has(id)) draft.move(id, job.x, job.y)
      }
      for (const it of this.changes()) {
        for (const tie of it.removed) draft.untie(keyOf(tie))
        for (const { after } of it.changed) draft.retie(keyOf(after), { on: after.on, waitLimit: after.waitLimit })
        for (const tie of it.added) {
          if (draft.jobs.has(tie.from) && draft.jobs.has(tie.to)) draft.tie(tie)
          else lost.push(`${this.nameOf(tie.from)} → ${this.nameOf(tie.to)}`)
        }
      }
    })
    return { draft, lost }
  }
}

function partOf(change: Change): Partial<DraftJob> {
  const part: { name?: string; enabled?: boolean; set: Record<string, unknown> } = { set: { ...change.job.set } }
  for (const { field } of change.fields) {
    if (field === 'name') part.name = change.job.name
    if (field === 'enabled') part.enabled = change.job.enabled
  }
  return part
}

function fieldChanges(before: DraftJob, after: DraftJob): FieldChange[] {
  const found: FieldChange[] = []
  if (before.name !== after.name) found.push({ field: 'name', before: before.name, after: after.name })
  if (before.enabled !== after.enabled) found.push({ field: 'enabled', before: before.enabled, after: after.enabled })
  for (const [field, value] of Object.entries(after.set)) found.push({ field, before: undefined, after: value })
  return found
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

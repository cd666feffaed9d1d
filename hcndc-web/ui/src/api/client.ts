/** The client that is typed by the server's own description (`npm run types`). */
import createClient from 'openapi-fetch'
import { call } from './http'
import { asProblem, ProblemError } from './problem'
import type { components, paths } from './schema'

type Schemas = components['schemas']
export type Execution = Schemas['Execution']
export type FlowRun = Schemas['FlowRun']
export type JobRun = Schemas['JobRun']
export type JobRunDetail = Schemas['JobRunDetail']
export type Attempt = Schemas['Attempt']
export type Explanation = Schemas['Explanation']
export type Action = Schemas['Action']
export type Flow = Schemas['Flow']
export type Job = Schemas['Job']
export type Executor = Schemas['Executor']
export type ExecutorTest = Schemas['ExecutorTest']
export type Grid = Schemas['Grid']
export type GridCell = Schemas['GridCell']
export type Backfill = Schemas['Backfill']
export type BackfillDetail = Schemas['BackfillDetail']
export type BackfillPlan = Schemas['BackfillPlan']
export type DataSourceCheck = Schemas['DataSourceCheck']
export type WrittenDate = Schemas['WrittenDate']

export const api = createClient<paths>({ baseUrl: location.origin, fetch: (request) => call(request) })

/** The data of an answer; throws what the server said if it refused. */
export async function take<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer
  if (response.ok) return data as T
  const told = error as { code?: string } | undefined
  if (told?.code) throw new ProblemError({ ...emptyProblem(response), ...told })
  throw new ProblemError({ ...emptyProblem(response), ...asProblem(new Error(response.statusText)) })
}

function emptyProblem(response: Response) {
  return { code: 'unexpected', title: String(response.status), status: response.status, detail: '', faults: [] }
}

/** What the server says when it refuses something (RFC 9457). */
export interface Fault {
  subject?: { kind: string; name?: string; flow?: string } | null
  field: string
  code: string
  message: string
  remedy?: string | null
  /** Where it stands in what was sent, from 1: a line and column of a text, a row and column of a sheet. */
  line?: number | null
  column?: number | null
  users?: string[] | null
  /** Of a cycle: its jobs as `flow/job` and its flows, the first once more at the end. */
  cycle?: string[] | null
  current_version?: number | null
}

export interface Problem {
  code: string
  title: string
  status: number
  detail: string
  faults: Fault[]
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title)
    this.name = 'ProblemError'
  }
}

/** The problem that an answer tells; one of our own if it tells none. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '')
  try {
    const told = JSON.parse(text) as Partial<Problem>
    if (typeof told.code === 'string') {
      return {
        code: told.code,
        title: told.title ?? told.code,
        status: told.status ?? response.status,
        detail: told.detail ?? '',
        faults: told.faults ?? [],
      }
    }
  } catch {
    // What is no JSON is told as it is.
  }
  const detail = text.slice(0, 200)
  return { code: 'unexpected', title: `${response.status} ${response.statusText}`.trim(), status: response.status, detail, faults: [] }
}

/** Any failure as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  const detail = error instanceof Error ? error.message : String(error)
  return { code: 'unreachable', title: '', status: 0, detail, faults: [] }
}

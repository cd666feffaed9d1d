/** A job of a flow, and what it depends on. */
export interface Tied {
  name: string
  depends_on?: unknown
}

/** The jobs that a dependency is on for the same data date, by name; ids stay ids. */
function sameDate(ties: unknown): string[] {
  if (!Array.isArray(ties)) return []
  return (ties as unknown[]).flatMap((it) => {
    if (typeof it !== 'object' || it === null) return [String(it)]
    const { job, offset_days: days } = it as { job: unknown; offset_days?: number }
    return days ? [] : [String(job)]
  })
}

/** All that something which depends on these waits for, the nearest first, as far as the jobs of its flow tell. */
export function upstreamOf(ties: unknown, jobs: Tied[]): string[] {
  const byName = new Map(jobs.map((it) => [it.name, it]))
  const found = new Set(sameDate(ties))
  // A set that grows while it is walked is walked to its end.
  for (const name of found) for (const next of sameDate(byName.get(name)?.depends_on)) found.add(next)
  return [...found]
}

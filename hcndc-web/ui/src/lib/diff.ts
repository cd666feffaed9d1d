/** What differs between two versions of something: by field, and of texts of several lines by line. */

export interface FieldChange {
  field: string
  before: unknown
  after: unknown
}

/** Fields that say which version it is, not what it says. */
const ASIDE = new Set(['version', 'id', 'created_at', 'created_by', 'updated_at', 'updated_by'])

type Told = Record<string, unknown> | null | undefined

/** Objects with the same entries are the same, in whatever order they stand; but for params, whose order counts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value ?? null
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, it]) => [key, sorted(it)]))
}
const same = (field: string, a: unknown, b: unknown) =>
  JSON.stringify(field === 'params' ? (a ?? null) : sorted(a)) === JSON.stringify(field === 'params' ? (b ?? null) : sorted(b))

/** Fields that differ, in the order in which the later version has them. */
export function fieldChanges(before: Told, after: Told): FieldChange[] {
  const names = [...new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])].filter((it) => !ASIDE.has(it))
  return names
    .map((field) => ({ field, before: before?.[field], after: after?.[field] }))
    .filter((it) => !same(it.field, it.before, it.after))
}

export interface Line {
  sign: ' ' | '-' | '+'
  text: string
}

/** Longer texts are shown as all gone and all new: nobody reads them line by line. */
const MOST = 400

/** The lines of two texts: what only the first has, what only the second has, and what both have. */
export function lineChanges(before: string, after: string): Line[] {
  const split = (text: string) => (text === '' ? [] : text.split('\n'))
  const [old, fresh] = [split(before), split(after)]
  if (old.length > MOST || fresh.length > MOST) {
    return [...old.map((text): Line => ({ sign: '-', text })), ...fresh.map((text): Line => ({ sign: '+', text }))]
  }
  // common[i][j]: lines that the rests from i and j have in common.
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(fresh.length + 1).fill(0))
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      common[i]![j] = old[i] === fresh[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
    }
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ sign: ' ', text: old[i]! })
      i += 1
      j += 1
    } else if (i < old.length && (j === fresh.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push({ sign: '-', text: old[i]! })
      i += 1
    } else {
      lines.push({ sign: '+', text: fresh[j]! })
      j += 1
    }
  }
  return lines
}

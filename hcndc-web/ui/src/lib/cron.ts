/** The five fields of a cron expression as the editor shows them: every, a range, a step, or picked values. */

export type Part =
  | { way: 'every' }
  | { way: 'range'; from: number; to: number }
  | { way: 'step'; from: number; step: number }
  | { way: 'picked'; values: number[] }
  /** What the four others cannot say; it stays as it is written. */
  | { way: 'custom'; text: string }

export interface CronField {
  name: 'minute' | 'hour' | 'day' | 'month' | 'weekday'
  min: number
  max: number
}

export const CRON_FIELDS: CronField[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12 },
  { name: 'weekday', min: 0, max: 6 },
]

export function readPart(text: string, field: CronField): Part {
  const fits = (n: number) => Number.isInteger(n) && n >= field.min && n <= field.max
  if (text === '*') return { way: 'every' }
  const step = /^(\*|\d+)(?:-(\d+))?\/(\d+)$/.exec(text)
  if (step) {
    const from = step[1] === '*' ? field.min : Number(step[1])
    const by = Number(step[3])
    // `*` and the whole range written out differ: which days match depends on who begins with `*`.
    const whole = step[1] === '*' ? step[2] === undefined : from > field.min && Number(step[2]) === field.max
    if (whole && fits(from) && by > 0) return { way: 'step', from, step: by }
  }
  const range = /^(\d+)-(\d+)$/.exec(text)
  if (range) {
    const [from, to] = [Number(range[1]), Number(range[2])]
    if (fits(from) && fits(to) && from < to) return { way: 'range', from, to }
  }
  if (/^\d+(,\d+)*$/.test(text)) {
    const values = text.split(',').map(Number)
    if (values.every(fits)) return { way: 'picked', values }
  }
  return { way: 'custom', text }
}

export function writePart(part: Part, field: CronField): string {
  switch (part.way) {
    case 'every':
      return '*'
    case 'range':
      return `${part.from}-${part.to}`
    case 'step':
      return part.from === field.min ? `*/${part.step}` : `${part.from}-${field.max}/${part.step}`
    case 'picked':
      return part.values.length ? [...part.values].sort((a, b) => a - b).join(',') : '*'
    case 'custom':
      return part.text
  }
}

/** The parts of an expression of five fields; `null` if it has another number of them. */
export function readCron(text: string): Part[] | null {
  const words = text.trim().split(/\s+/)
  if (words.length !== CRON_FIELDS.length) return null
  return CRON_FIELDS.map((field, i) => readPart(words[i] ?? '*', field))
}

export const writeCron = (parts: Part[]): string => CRON_FIELDS.map((field, i) => writePart(parts[i] ?? { way: 'every' }, field)).join(' ')

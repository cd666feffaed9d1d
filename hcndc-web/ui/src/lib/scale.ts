/** Times along a line: round ones to mark, in the zone that is shown. */
import { timeText } from './time'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const STEPS = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR]

export interface Tick {
  /** Milliseconds since 1970. */
  at: number
  /** `02:00`; at midnight the date, `11-27`. */
  text: string
}

/** How far a zone's clock is ahead of UTC at a moment, in milliseconds. */
function ahead(at: number): number {
  const whole = Math.floor(at / 1000) * 1000
  return Date.parse(`${timeText(new Date(whole).toISOString()).replace(' ', 'T')}Z`) - whole
}

/** Round times from `from` to `to`, `most` of them or fewer. */
export function ticks(from: number, to: number, most = 8): Tick[] {
  const step = STEPS.find((it) => (to - from) / it <= most) ?? STEPS[STEPS.length - 1] ?? HOUR
  const found: Tick[] = []
  const shift = ahead(from)
  for (let local = Math.ceil((from + shift) / step) * step; local - shift <= to && found.length <= most; local += step) {
    const at = local - shift
    const text = timeText(new Date(at).toISOString())
    found.push({ at, text: text.slice(11, 16) === '00:00' ? text.slice(5, 10) : text.slice(11, 16) })
  }
  return found
}

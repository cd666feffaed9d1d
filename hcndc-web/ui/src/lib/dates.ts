/** Data dates (`2026-11-26`) laid out as calendars. */

export interface Month<It> {
  /** `2026-11`. */
  name: string
  /** Days of the first week that come before the first one, with weeks from Monday. */
  lead: number
  items: It[]
}

/** Days from Monday: 0 to 6. */
const weekday = (date: string) => (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7

/** What stands in the order of its dates, by month. */
export function byMonth<It>(items: readonly It[], date: (it: It) => string): Month<It>[] {
  const months: Month<It>[] = []
  for (const it of items) {
    const name = date(it).slice(0, 7)
    const last = months[months.length - 1]
    if (last?.name === name) last.items.push(it)
    else months.push({ name, lead: weekday(date(it)), items: [it] })
  }
  return months
}

/** The date that is so many days later; earlier if `days` is negative. */
export function plusDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

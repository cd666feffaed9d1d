/** Times and spans as people read them. */
import { isZh, zone } from '@/state/prefs'

const forms = new Map<string, Intl.DateTimeFormat>()

function form(timeZone: string): Intl.DateTimeFormat {
  let it = forms.get(timeZone)
  if (!it) {
    it = new Intl.DateTimeFormat('sv-SE', {
      timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    })
    forms.set(timeZone, it)
  }
  return it
}

/** `2026-11-26 09:15:36` in the zone that is chosen, or another. */
export function timeText(at: string | null | undefined, timeZone = zone.value): string {
  return at ? form(timeZone).format(new Date(at)) : ''
}

/** The date in the zone that is chosen, `2026-11-26`. */
export function dateText(at: string | Date, timeZone = zone.value): string {
  return form(timeZone).format(new Date(at)).slice(0, 10)
}

/** The time of day, `09:15:36`; with the date if that is not today's, and the date alone if that is of another year. */
export function shortTime(at: string | null | undefined): string {
  const text = timeText(at)
  const today = dateText(new Date())
  if (text.slice(0, 10) === today) return text.slice(11)
  return text.slice(0, 4) === today.slice(0, 4) ? text.slice(5, 16) : text.slice(0, 10)
}

/** A span: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function spanText(ms: number): string {
  const zh = isZh.value
  const unit = (n: number, en: string, cn: string) => (zh ? `${n} ${cn}` : `${n} ${en}`)
  if (ms < 0) ms = 0
  if (ms < 1000) return unit(Math.round(ms), 'ms', '毫秒')
  const s = Math.floor(ms / 1000)
  if (s < 10) return unit(Math.round(ms / 100) / 10, 's', '秒')
  if (s < 60) return unit(s, 's', '秒')
  const min = Math.floor(s / 60)
  if (min < 60) return unit(min, 'min', '分') + (s % 60 ? ' ' + unit(s % 60, 's', '秒') : '')
  const h = Math.floor(min / 60)
  if (h < 48) return unit(h, 'h', '小时') + (min % 60 ? ' ' + unit(min % 60, 'min', '分') : '')
  return unit(Math.floor(h / 24), 'd', '天') + (h % 24 ? ' ' + unit(h % 24, 'h', '小时') : '')
}

/** How long something took, or has been taking. */
export function between(from: string | null | undefined, to: string | null | undefined, now: number): string {
  if (!from) return ''
  return spanText((to ? Date.parse(to) : now) - Date.parse(from))
}

/** A size: `1.5 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  while (bytes >= 1024 && i < units.length - 1) {
    bytes /= 1024
    i += 1
  }
  return `${bytes >= 100 || i === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[i]}`
}

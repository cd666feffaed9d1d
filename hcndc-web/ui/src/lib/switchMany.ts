/** Enables and disables many definitions, each by an edit of its own: what is refused leaves the others done, and all can be undone. */
import { request } from '@/api/http'
import { asProblem } from '@/api/problem'
import { say, t } from '@/i18n'
import type { Item, Kind } from '@/kinds/types'
import { ask, tell } from '@/parts/ask'

/** What came of it. */
export interface Switched {
  /** Which way. */
  on: boolean
  /** Whether this was the undoing of another. */
  undone: boolean
  /** Those that were switched, at the versions that they have now. */
  done: Item[]
  /** Those that were not, each with the reason. */
  refused: { name: string; why: string }[]
}

/** Requests at a time: the server does one edit after the other anyway. */
const AT_ONCE = 4

const nameOf = (it: Item): string => {
  const flow = it['flow'] as { name?: string } | undefined
  return flow?.name ? `${flow.name}/${it.name}` : it.name
}

async function each(kind: Kind, items: Item[], on: boolean, undone: boolean): Promise<Switched> {
  const outcomes = new Array<Item | { name: string; why: string }>(items.length)
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) {
      const it = items[at]!
      try {
        // What is undone must still be what was done; what is done does not depend on what else has changed.
        const body = undone ? { enabled: on, version: it.version } : { enabled: on }
        outcomes[at] = await request<Item>('PATCH', `/${kind.key}/${it.id}`, { body, headers: { 'content-type': 'application/merge-patch+json' } })
      } catch (error) {
        const problem = asProblem(error)
        const why = problem.code === 'unreachable' ? t('problem.unreachable') : problem.detail || problem.title
        outcomes[at] = { name: nameOf(it), why }
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const isRefused = (it: object): it is { name: string; why: string } => 'why' in it
  return { on, undone, done: outcomes.filter((it): it is Item => !isRefused(it)), refused: outcomes.filter(isRefused) }
}

/** Says what it will do, asks, and does it; `null` if nothing was done. */
export async function switchMany(kind: Kind, items: Item[], on: boolean): Promise<Switched | null> {
  const those = items.filter((it) => it.enabled !== on)
  if (!those.length) {
    tell(t('switch.none'))
    return null
  }
  const what = t(on ? 'switch.on' : 'switch.off')
  const names = those.map(nameOf).join(t('check.comma'))
  const text = [
    t(`switch.${kind.key}${on ? 'On' : 'Off'}`, { n: those.length }),
    t('switch.names', { names: names.length > 300 ? `${names.slice(0, 300)} …` : names }),
    ...(those.length < items.length ? [t('switch.already', { n: items.length - those.length })] : []),
  ]
  const title = t('switch.title', { what, n: those.length, kinds: say(those.length === 1 ? kind.one : kind.many).toLowerCase() })
  if (!(await ask({ title, text: text.join('\n'), action: what, danger: !on }))) return null
  return each(kind, those, on, false)
}

/** Puts those that were switched back as they were. */
export const switchBack = (kind: Kind, switched: Switched): Promise<Switched> => each(kind, switched.done, !switched.on, true)

/** Deleting definitions, after asking. */
import type { Item, Kind } from './types'
import { request } from '@/api/http'
import { say, t } from '@/i18n'
import { ask, tell, tellProblem } from '@/parts/ask'

/** Deletes what is picked; whether all of it is gone. */
export async function removeMany(kind: Kind, items: Item[]): Promise<boolean> {
  const names = items.map((it) => String(it[kind.title ?? 'name'] ?? it.name)).join(', ')
  const sure = await ask({
    title: `${t('common.delete')}: ${say(kind.one)}`,
    text: names.length > 300 ? `${names.slice(0, 300)} … (${items.length})` : names,
    action: t('common.delete'),
    danger: true,
  })
  if (!sure) return false
  try {
    await deleteAll(kind, items)
    tell(t('common.deleted'))
    return true
  } catch (error) {
    tellProblem(error)
    return false
  }
}

async function deleteAll(kind: Kind, items: Item[]): Promise<void> {
  const told = items.map(({ id, version }) => (version === undefined ? { id } : { id, version }))
  if (told.length > 1) {
    await request('POST', `/${kind.key}/delete`, { body: { items: told } })
    return
  }
  for (const it of told) {
    await request('DELETE', `/${kind.key}/${it.id}`, { query: { version: 'version' in it ? it.version : null } })
  }
}

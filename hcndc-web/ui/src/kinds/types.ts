/** What the generic pages know of a kind of definition: its columns, its fields, and what stands at each field. */
import type { Component } from 'vue'
import type { Pair } from '@/i18n'
import type { Permission } from '@/state/session'

/** A definition as the server gives it. */
export interface Item {
  id: number
  name: string
  version?: number
  enabled?: boolean
  created_at?: string
  created_by?: string
  updated_at?: string
  updated_by?: string
  [field: string]: unknown
}

export type FieldType =
  | 'text' | 'area' | 'command' | 'int' | 'bool' | 'span' | 'select' | 'many' | 'ref' | 'refs' | 'map' | 'params' | 'codes'
  | 'dates' | 'words' | 'retry' | 'dependencies' | 'secret' | 'zone' | 'trigger' | 'filter' | 'deadline' | 'window' | 'instant' | 'source' | 'work' | 'permissions' | 'conditions' | 'escalation'

export interface Field {
  name: string
  type: FieldType
  label: Pair
  help: Pair
  required?: boolean
  /** What a new definition has. */
  initial?: unknown
  /** What an empty field is sent as; left out of the body if not given. */
  empty?: null | ''
  /** Words that may be chosen. */
  options?: { value: string; label: Pair }[]
  /** The kind that a reference names. */
  to?: string
  /** In the part of the form that is closed at first. */
  advanced?: boolean
  /** It only makes sense then. */
  when?: (model: Record<string, unknown>) => boolean
  /** Set once, when the definition is made. */
  fixed?: boolean
  /** Only asked for when it is made. */
  onlyNew?: boolean
  placeholder?: string
  min?: number
  max?: number
}

export interface ColumnOf {
  name: string
  label: Pair
  type?: FieldType | 'time' | 'health' | 'check' | 'name' | 'state' | 'version'
  sort?: string
  width?: string
  wide?: boolean
  end?: boolean
}

export interface Kind {
  /** As in addresses of the API: `alert-channels`. */
  key: string
  /** Where its pages are: `/base/alert/`. */
  page: string
  /** One, and several of them. */
  one: Pair
  many: Pair
  /** What it is for, in a sentence. */
  about: Pair
  /** What to do when there is none yet. */
  start: Pair
  columns: ColumnOf[]
  fields: Field[]
  filters?: ('directory' | 'enabled' | 'flow')[]
  /** What changing it needs. */
  needs: Permission
  /** What its detail page shows beside fields and uses. */
  detail?: () => Promise<{ default: Component }>
  /** Has a page of its own at its address instead of the generic list. */
  list?: () => Promise<{ default: Component }>
  /** Whether the server tells what uses it. */
  uses?: boolean
  /** Whether it can be tried out, by `test` below its address. */
  trial?: boolean
  /** The sheet by which many are made and changed at once. */
  sheet?: 'flows' | 'jobs'
  /** The field that it is called by; `name` if not given. */
  title?: string
  /** What is written of it cannot be checked before it is saved. */
  noCheck?: boolean
  /** A change of it can change what runs when, so that its form leads to the forecast. */
  forecast?: boolean
  /** A field of the answer that is told once, when it is made. */
  secretOf?: string
}

export const p = (en: string, zh: string): Pair => ({ en, zh })

export const NAME: Field = {
  name: 'name', type: 'text', required: true, label: p('Name', '名称'),
  help: p('1 to 255 characters, unique among its kind.', '1 到 255 个字符，同类中不可重复。'),
}
export const DESCRIPTION: Field = { name: 'description', type: 'area', empty: '', label: p('Description', '说明'), help: p('For people.', '供人阅读。') }
export const DIRECTORY: Field = {
  name: 'directory', type: 'text', initial: '/', empty: '', label: p('Directory', '目录'), placeholder: '/retail/nightly',
  help: p('A slash path under which pages file it.', '以斜杠分隔的路径，页面按此归类。'),
}
export const ENABLED: Field = { name: 'enabled', type: 'bool', initial: true, label: p('Enabled', '启用'), help: p('What is not enabled is kept, and does nothing.', '停用后仍保留，但不起作用。') }
export const COLUMN_NAME: ColumnOf = { name: 'name', label: p('Name', '名称'), sort: 'name', type: 'name' }
export const COLUMN_DIRECTORY: ColumnOf = { name: 'directory', label: p('Directory', '目录'), wide: true }
export const COLUMN_ENABLED: ColumnOf = { name: 'enabled', label: p('Enabled', '启用'), type: 'bool', width: '90px' }
export const COLUMN_UPDATED: ColumnOf = { name: 'updated_at', label: p('Changed', '最近修改'), type: 'time', sort: 'updated_at', wide: true, width: '130px' }

/** Sentences in both languages. What describes a kind of definition stands beside it, as a pair. */
import { watchEffect } from 'vue'
import { createI18n } from 'vue-i18n'
import { isZh, prefs } from '@/state/prefs'
import en from './en'
import zh from './zh'

type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> }
export type Messages = Texts<typeof en>

/** A text in both languages. */
export interface Pair {
  en: string
  zh: string
}

export const i18n = createI18n({
  legacy: false,
  locale: prefs.locale,
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zh },
})

watchEffect(() => {
  i18n.global.locale.value = prefs.locale
})

export const t = i18n.global.t

/** A pair in the language that is chosen. */
export const say = (pair: Pair): string => (isZh.value ? pair.zh : pair.en)

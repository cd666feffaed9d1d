/** What a person has chosen for this browser: language, theme, time zone. */
import { computed, reactive, watchEffect } from 'vue'

export type Locale = 'zh-CN' | 'en'
export type Theme = 'auto' | 'light' | 'dark'

interface Prefs {
  locale: Locale
  theme: Theme
  /** An IANA zone; empty for the browser's own. */
  zone: string
  menuClosed: boolean
}

const KEY = 'hcndc.prefs'

function stored(): Partial<Prefs> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Prefs>
  } catch {
    return {}
  }
}

function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

export const prefs = reactive<Prefs>({
  locale: browserLocale(),
  theme: 'auto',
  zone: '',
  menuClosed: false,
  ...stored(),
})

const system = window.matchMedia('(prefers-color-scheme: dark)')
const systemState = reactive({ dark: system.matches })
system.addEventListener('change', (event) => (systemState.dark = event.matches))

/** Whether the dark colours are shown. */
export const isDark = computed(() => (prefs.theme === 'auto' ? systemState.dark : prefs.theme === 'dark'))

/** The zone in which times are shown. */
export const zone = computed(() => prefs.zone || Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC')

export const isZh = computed(() => prefs.locale === 'zh-CN')

/** Keeps page and storage in step with what is chosen. */
export function keepPrefs(): void {
  watchEffect(() => localStorage.setItem(KEY, JSON.stringify(prefs)))
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', isDark.value)
    document.documentElement.lang = prefs.locale
  })
}

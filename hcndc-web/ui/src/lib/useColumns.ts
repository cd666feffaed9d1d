/** Which columns of a list are shown: chosen by each person, kept in their browser. */
import { ref, watch } from 'vue'

function stored(key: string): string[] {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '[]') as string[]
  } catch {
    return []
  }
}

export function useColumns(list: string) {
  const key = `hcndc.hidden.${list}`
  const hidden = ref<string[]>(stored(key))
  watch(hidden, (it) => localStorage.setItem(key, JSON.stringify(it)))
  const toggle = (name: string) => {
    hidden.value = hidden.value.includes(name) ? hidden.value.filter((it) => it !== name) : [...hidden.value, name]
  }
  return { hidden, toggle }
}

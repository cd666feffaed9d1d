/** The zones to choose from. Four hundred choices take longer to draw than the rest of a page, so they wait until somebody looks at them. */
import { computed, ref, type ComputedRef } from 'vue'

/** Those of the browser after `first`; before `look` is called, only the one that is chosen. */
export function useZones(chosen: () => string | null | undefined, first: string[]): { zones: ComputedRef<string[]>; look: () => void } {
  const looked = ref(false)
  const zones = computed(() => {
    const one = chosen()
    return looked.value ? [...new Set([...first, ...Intl.supportedValuesOf('timeZone')])] : one ? [one] : []
  })
  return { zones, look: () => (looked.value = true) }
}

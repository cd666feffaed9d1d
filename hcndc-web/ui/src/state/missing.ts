/** Code that did not come, of a page or a part of one: the server is away, or was upgraded since this window was opened and has other files now. */
import { ref } from 'vue'

/** The address of the page that did not come, or not all of it; the app tells of it. */
export const missing = ref<string | null>(null)

const unfetched = new WeakSet<object>()
window.addEventListener('vite:preloadError', (event) => unfetched.add(event.payload))

/** Whether the error says that code did not come. */
export const isMissing = (error: unknown): boolean => error instanceof Error && unfetched.has(error)

/** Tells that a part of this page did not come, if that is what the error says; throws it again otherwise. */
export function tellIfMissing(error: unknown): void {
  if (!isMissing(error)) throw error
  missing.value = location.pathname + location.search
}

/** The page at this address did not come while another one is shown: if the server is there, it has the files of today. */
export async function loadAnew(address: string): Promise<void> {
  if (await answers()) location.assign(address)
  else missing.value = address
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { cache: 'no-store' })).ok
  } catch {
    return false
  }
}

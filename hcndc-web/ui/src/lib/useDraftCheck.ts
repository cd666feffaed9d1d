/** What the server holds against a draft, asked while somebody writes it. */
import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import { request } from '@/api/http'
import { asProblem, type Problem } from '@/api/problem'
import { prefs } from '@/state/prefs'

/** A change of one definition, as the server takes it for a check. */
export interface DraftEdit {
  kind: string
  target?: number
  put: Record<string, unknown>
}

/** How long nobody must have typed, in milliseconds. */
export const PAUSE = 400

export type CheckState = 'idle' | 'checking' | 'checked'

/**
 * Checks a draft a moment after it has changed; `null` is nothing to check. The newest answer counts and older requests are given
 * up. While the browser is offline nothing is sent, and what fails on the way is no fault of the draft: saving checks again.
 */
export function useDraftCheck(draft: () => DraftEdit | null) {
  const state = shallowRef<CheckState>('idle')
  /** What the server would refuse it with; of the newest draft that it has answered. */
  const problem = shallowRef<Problem | null>(null)
  /** Grows with each answer. */
  const answers = shallowRef(0)
  let timer = 0
  let asking: AbortController | null = null
  let known = ''
  /** An older server has no such check. */
  let there = true

  const text = computed(() => {
    const it = draft()
    // Sentences are in the reader's language: in another they are asked for anew.
    return it ? `${prefs.locale} ${JSON.stringify(it)}` : ''
  })

  async function ask(mine: string) {
    if (!navigator.onLine) return
    const edit = draft()
    if (!edit) return
    const asked = new AbortController()
    asking = asked
    state.value = 'checking'
    try {
      const told = await request<{ problem: Problem | null }>('POST', '/drafts/check', { body: edit, signal: asked.signal, quiet: true })
      if (asked.signal.aborted) return
      known = mine
      problem.value = told.problem
      state.value = 'checked'
      answers.value += 1
    } catch (error) {
      if (asked.signal.aborted) return
      if (asProblem(error).code === 'unknown_route') there = false
      state.value = 'idle'
    }
  }
  function later() {
    window.clearTimeout(timer)
    asking?.abort()
    asking = null
    const now = text.value
    if (!now) {
      known = ''
      problem.value = null
      state.value = 'idle'
      return
    }
    if (now === known) {
      state.value = 'checked'
      return
    }
    if (there) timer = window.setTimeout(() => void ask(now), PAUSE)
  }
  watch(text, later, { immediate: true })
  window.addEventListener('online', later)
  onScopeDispose(() => {
    window.removeEventListener('online', later)
    window.clearTimeout(timer)
    asking?.abort()
  })
  return { state, problem, answers }
}

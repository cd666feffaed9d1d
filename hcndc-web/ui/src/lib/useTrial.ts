/** Something that is tried out when somebody asks: what came of it, or why it could not be asked. */
import { ref, shallowRef } from 'vue'
import { post } from '@/api/http'
import { asProblem, type Problem } from '@/api/problem'

export function useTrial<Told>(path: () => string) {
  const told = shallowRef<Told | null>(null)
  const problem = ref<Problem | null>(null)
  const busy = ref(false)

  async function run(): Promise<void> {
    busy.value = true
    problem.value = null
    try {
      told.value = await post<Told>(path(), {})
    } catch (error) {
      told.value = null
      problem.value = asProblem(error)
    } finally {
      busy.value = false
    }
  }
  return { told, problem, busy, run }
}

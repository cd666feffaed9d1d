/** The time, for what goes on: it moves once a second, for the whole page. */
import { ref } from 'vue'

export const now = ref(Date.now())
window.setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)

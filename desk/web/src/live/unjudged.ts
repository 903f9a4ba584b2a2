import { ref } from 'vue'
import { api } from '../api/client'
import type { Unjudged } from '../api/types'
import { onWarning } from './store'

/** What was closed without knowing what it was, the oldest first: it is asked for again within three days. */
export const unjudged = ref<Unjudged[]>([])

export async function loadUnjudged() {
  unjudged.value = await api.unjudged()
}

// Closing with "not known yet" and saying later what it was both change a closed warning: the list is asked for anew then, once for
// a burst of changes.
let soon: ReturnType<typeof setTimeout> | undefined
export function watchUnjudged(): () => void {
  const off = onWarning((w) => {
    if (w.state !== 'closed') return
    clearTimeout(soon)
    soon = setTimeout(() => void loadUnjudged().catch(() => {}), 300)
  })
  return () => {
    off()
    clearTimeout(soon)
  }
}

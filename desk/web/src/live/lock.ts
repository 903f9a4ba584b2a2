import { computed, ref } from 'vue'
import { session } from './store'

// A locked desk shows nobody's name. Warnings and sound go on as if it were not: whoever passes by must hear them.

const place = 'tocsin.locked'

function kept(): boolean {
  try {
    return sessionStorage.getItem(place) === '1'
  } catch {
    return false // storage is off: a page that is loaded anew has no names on it either
  }
}

const on = ref(kept())

/** locked tells whether names are hidden. */
export const locked = computed(() => on.value && session.value !== null)

function set(to: boolean) {
  on.value = to
  try {
    sessionStorage.setItem(place, to ? '1' : '0')
  } catch {
    // it holds as long as the page
  }
}

export const lock = () => set(true)

/** unlock is for whoever has just proven who they are. */
export const unlock = () => set(false)

/** After so long without a key or a pointer nobody sits there. */
export const idleMs = 10 * 60_000

/** watchIdle locks a desk at which nobody sits, and answers how to stop. */
export function watchIdle(after = idleMs): () => void {
  let timer = setTimeout(lock, after)
  const here = () => {
    clearTimeout(timer)
    timer = setTimeout(lock, after)
  }
  const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const
  for (const s of signs) window.addEventListener(s, here, { passive: true })
  return () => {
    clearTimeout(timer)
    for (const s of signs) window.removeEventListener(s, here)
  }
}

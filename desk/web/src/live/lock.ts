import { computed, ref } from 'vue'
import { session } from './store'

// A locked desk shows nobody's name. Warnings and sound go on as if it were not: whoever passes by must hear them.

const place = 'tocsin.locked'

function kept(): string {
  try {
    return sessionStorage.getItem(place) ?? ''
  } catch {
    return '' // storage is off: a page that is loaded anew has no names on it either
  }
}

const on = ref(kept())

/** Which session it is: who has proven anew who they are has another. */
const which = () => `${session.value?.account}/${session.value?.began ?? 0}`

/** locked tells whether names are hidden: as long as the session is the one that was locked. */
export const locked = computed(() => session.value !== null && on.value === which())

function set(to: string) {
  on.value = to
  try {
    sessionStorage.setItem(place, to)
  } catch {
    // it holds as long as the page
  }
}

export const lock = () => set(which())

/** unlock is for whoever has just proven who they are. */
export const unlock = () => set('')

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

import { computed, ref, watch } from 'vue'
import { api, Refused, whenLocked } from '../api/client'
import { saidLocked, session } from './store'

// A locked desk is answered nothing about patients: the server keeps the lock, this page shows it. Warnings and sound go on as if it
// were not, of whom they are is left out: whoever passes by must hear them.

const place = 'tocsin.locked'

function kept(): boolean {
  try {
    return sessionStorage.getItem(place) === '1'
  } catch {
    return false // storage is off: a lock of which the desk has not heard lasts as long as the page
  }
}

/** Somebody locked this page, and the desk has not answered yet: also over a reload. */
export const untold = ref(kept())

/** locked tells whether patients are hidden. */
export const locked = computed(() => session.value !== null && (untold.value || session.value.state === 'locked'))

function wait(is: boolean) {
  untold.value = is
  try {
    sessionStorage.setItem(place, is ? '1' : '0')
  } catch {
    // it holds as long as the page
  }
}

const mark = () => {
  if (session.value && session.value.state !== 'locked') session.value = { ...session.value, state: 'locked', emergencies: [] }
}

/** lock hides everything at once and has the desk lock the session, tried again until it answers. */
export function lock() {
  if (!session.value || untold.value) return
  wait(true)
  void tell()
}

const againMs = 2000
let again: ReturnType<typeof setTimeout> | undefined

async function tell() {
  clearTimeout(again)
  if (!untold.value || !session.value) return
  try {
    session.value = await api.lock()
    wait(false)
  } catch (e) {
    if (e instanceof Refused && e.status < 500) return wait(false) // nobody is signed in: there is nothing to lock
    again = setTimeout(() => void tell(), againMs)
  }
}
// A page that was loaded anew before the desk had heard of its lock goes on telling.
watch(session, (s, was) => s && !was && untold.value && void tell())

whenLocked(mark)
watch(saidLocked, async (is) => {
  if (is) return mark()
  if (session.value?.state !== 'locked' || untold.value) return
  const s = await api.session().catch(() => null) // unlocked in another window of this browser
  if (s && session.value) session.value = s
})

/** unlock asks the desk; the error says why not. */
export async function unlock(password: string, code: string) {
  session.value = await api.unlock(password, code)
  wait(false)
}

/** signedIn is for whoever has just proven who they are: no lock of before is theirs. */
export const signedIn = () => wait(false)

/** While somebody sits there the desk hears of it this often. */
const hereEvery = 60_000

/** watchIdle locks a desk at which nobody sits, after as long as the desk says, and answers how to stop. */
export function watchIdle(): () => void {
  let last = performance.now()
  let told = -Infinity
  const here = () => {
    last = performance.now()
    if (last - told < hereEvery || !session.value || locked.value) return
    told = last
    api.here().catch(() => {}) // the next sign of somebody says it again
  }
  const timer = setInterval(() => {
    const after = session.value?.lock_after_ms ?? 0
    if (after > 0 && !locked.value && performance.now() - last > after) lock()
  }, 1000)
  const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const
  for (const s of signs) window.addEventListener(s, here, { passive: true })
  return () => {
    clearInterval(timer)
    for (const s of signs) window.removeEventListener(s, here)
  }
}

import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef, type WatchSource } from 'vue'
import { exactly, now } from '../live/now'
import { isDown, link } from '../live/store'
import { useSay } from './say'

/** Loaded is what a page shows, how old that is, and why it is no newer. */
export interface Loaded<T = unknown> {
  data: ShallowRef<T | null> // null: nothing has come yet
  at: Ref<number> // when it came, in ms since 1970 by the desk's time; 0: nothing has
  failed: ComputedRef<string> // why the last asking brought nothing; empty: it did
  error: ShallowRef<unknown> // the same as it came
  busy: Ref<boolean>
  old: ComputedRef<boolean> // what is shown is no longer to be taken for what is
  load: () => Promise<void>
}

export interface Loading {
  every?: number // ms between two askings; without it is asked once, and by hand
  on?: WatchSource<unknown>[] // what is asked about: with another subject nothing of the one before is shown
  later?: boolean // nothing is asked before somebody does
}

/** What is not asked for again by itself is old after this long, and what is after three askings that brought nothing. */
const oldMs = 5 * 60_000

/**
 * useLoad asks the desk for what a page shows: at once, every so often, when its subject changes and when a broken connection is back,
 * until the page goes. The latest asking wins. When one fails, what was known stays, with its age. ask may hand over what has come so
 * far, which is shown as long as there is nothing whole.
 */
export function useLoad<T>(ask: (soFar: (part: T) => void) => Promise<T>, { every = 0, on = [], later = false }: Loading = {}): Loaded<T> {
  const { why } = useSay()
  const data = shallowRef<T | null>(null)
  const at = ref(0)
  const error = shallowRef<unknown>(null)
  const failed = computed(() => (error.value ? why(error.value) : ''))
  const busy = ref(false)
  let asked = 0

  async function load() {
    const mine = ++asked
    busy.value = true
    try {
      const got = await ask((part) => mine === asked && at.value === 0 && (data.value = part))
      if (mine !== asked) return
      data.value = got
      at.value = exactly()
      error.value = null
    } catch (e) {
      if (mine !== asked) return
      error.value = e
    } finally {
      if (mine === asked) busy.value = false
    }
  }

  function forget() {
    asked++ // an answer about another subject is nobody's
    data.value = error.value = null
    at.value = 0
    busy.value = false
  }

  if (on.length) watch(on, () => (forget(), void load()))
  watch(() => link.state, (state) => state === 'up' && failed.value && void load())
  const timer = every ? setInterval(() => !isDown.value && void load(), every) : undefined
  onScopeDispose(() => {
    asked++
    clearInterval(timer)
  })
  if (!later) void load()

  const old = computed(() => isDown.value || failed.value !== '' || (at.value > 0 && now.value - at.value > (every ? 3 * every : oldMs)))
  return { data, at, failed, error, busy, old, load }
}

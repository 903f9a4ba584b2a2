import { computed, inject, ref, watch, type InjectionKey, type Ref } from 'vue'
import { now } from '../live/now'

/** Whoever looks back and is called away must not leave the past on the screen for the next to act upon. */
export const backAfterMs = 60_000
const minute = 60_000

/** useLookBack is a look back from one page: at is the moment in ms, null for now. It ends by itself a minute after the last touch. */
export function useLookBack() {
  const at = ref<number | null>(null)
  const touched = ref(0)
  const left = computed(() => (at.value === null ? 0 : Math.max(0, touched.value + backAfterMs - now.value)))
  const set = (to: number) => {
    at.value = to
    touched.value = now.value
  }
  const end = () => (at.value = null)
  watch(left, (ms) => at.value !== null && ms === 0 && end())
  return { at, left, set, end }
}

/** The moment that is looked back to. */
export const lookedBackTo: InjectionKey<Ref<number | null>> = Symbol('looked back to')

/** seenFrom is where an age is counted from: the moment that is looked back to; undefined for now. */
export function seenFrom() {
  const at = inject(lookedBackTo, ref(null))
  return computed(() => at.value ?? undefined)
}

/** reach is what a slider goes over: from a day before the warning to now, in whole minutes, none of them ahead. */
export function reach(raised: number, until: number): [number, number] {
  return [Math.floor(raised / minute) * minute - 24 * 60 * minute, Math.floor(until / minute) * minute]
}

/** The minute at whose end a moment is known, as long as it is not ahead. */
export const minuteAfter = (at: number, last: number) => Math.min(Math.ceil(at / minute) * minute, last)

/** beside answers the minute after the last moment before at, or after the first behind it; null when there is none. */
export function beside(moments: number[], at: number, way: -1 | 1, last: number): number | null {
  const stops = [...new Set(moments.map((m) => minuteAfter(m, last)))].sort((a, b) => a - b)
  const on = way < 0 ? stops.filter((m) => m < at).pop() : stops.find((m) => m > at)
  return on ?? null
}

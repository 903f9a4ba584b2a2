import { ref } from 'vue'
import type { Severity, Warning } from '../api/types'
import { asks, isOpen } from '../parts/queue'
import { play, unmute } from '../parts/sound'
import { exactly } from './now'
import { link, notWatchingSince, onWarning, warnings } from './store'

const grave: Record<Severity, number> = { none: 0, technical: 0, low: 1, medium: 2, high: 3 }

/** calls tells whether a change asks people anew: it came, became graver, or nobody has it any more. */
export function calls(w: Warning, was: Warning | undefined): boolean {
  if (!isOpen(w) || !asks(w)) return false
  return !was || !asks(was) || grave[w.severity] > grave[was.severity] || (w.danger && !was.danger)
}

/** What is read to whoever listens: the last high that came, with whether it came again. */
export const announced = ref<{ warning: Warning; again: boolean } | null>(null)

/** sounding tells whether a high waits for somebody to take it. */
export function sounding(): boolean {
  for (const w of warnings.values()) if (w.severity === 'high' && isOpen(w) && asks(w)) return true
  return false
}

const highEvery = 8_000
const unwatchedEvery = 10_000
// By how long the page has run: a clock that is set back would silence a high until it has caught up with itself.
let lastHigh = -Infinity
let lastUnwatched = -Infinity

/** watch starts sounding and announcing; it answers how to end it. */
export function watchAlarms(): () => void {
  const off = onWarning((w, was) => {
    if (!link.ready || !calls(w, was)) return
    if (w.severity === 'high') {
      unmute()
      announced.value = { warning: w, again: was !== undefined }
      lastHigh = -Infinity
      beat()
    } else if (w.severity === 'medium') play('medium')
  })
  const timer = setInterval(beat, 1000)
  return () => {
    off()
    clearInterval(timer)
  }
}

/** What has been sounded for being overdue: by id and deadline, so that the next deadline sounds again. */
const overdueSaid = new Set<string>()

/** overdue answers the medium warnings whose time ran out and that have not been sounded for it. */
export function overdue(list: Iterable<Warning>, at: number, said: Set<string>): string[] {
  const due: string[] = []
  for (const w of list) {
    if (w.severity !== 'medium' || !asks(w) || !w.answer_by || Date.parse(w.answer_by) > at) continue
    const key = `${w.id} ${w.answer_by}`
    if (!said.has(key)) due.push(key)
  }
  return due
}

function beat() {
  const t = performance.now()
  const due = overdue(warnings.values(), exactly(), overdueSaid)
  if (due.length) play('medium')
  for (const key of due) overdueSaid.add(key)
  if (notWatchingSince.value !== null && t - lastUnwatched >= unwatchedEvery) {
    lastUnwatched = t
    play('unwatched')
  }
  if (t - lastHigh >= highEvery && sounding()) {
    lastHigh = t
    play('high')
  }
}

import type { Severity, Warning } from '../api/types'
import { atClinic } from './clinics'

const rank: Record<Severity, number> = { high: 0, medium: 1, low: 2, technical: 3, none: 4 }

/** byNeed puts what lies aside behind everything else, then sorts by severity, by the time that is left and by age; the id keeps equal ones in place. */
export function byNeed(a: Warning, b: Warning): number {
  return (
    Number(aside(a)) - Number(aside(b)) ||
    rank[a.severity] - rank[b.severity] ||
    deadline(a) - deadline(b) ||
    Date.parse(a.raised_at) - Date.parse(b.raised_at) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  )
}

const deadline = (w: Warning) => (w.answer_by ? Date.parse(w.answer_by) : Infinity)

export const isOpen = (w: Warning) => w.state !== 'closed'

/** asks tells whether the warning waits for somebody to take it. */
export const asks = (w: Warning) => w.state === 'new' || w.state === 'returned' || !!w.handover

/** held tells whether somebody has it, whether or not the patient has been reached. */
export const held = (w: Warning) => w.state === 'accepted' || w.state === 'in_care'

/** aside tells whether it lies on a shelf or falls into a planned window: it asks nobody until it comes back. */
export const aside = (w: Warning) => w.state === 'shelved' || w.state === 'suppressed'

/** shelfAsk answers the shelving for which a second person is still asked; what lies on a shelf has had its answer. */
export function shelfAsk(w: Warning, at: number) {
  return w.shelf?.confirm_by && isOpen(w) && w.state !== 'shelved' && Date.parse(w.shelf.confirm_by) > at ? w.shelf : null
}

/** unreached tells whether its owner has called and reached nobody yet. */
export const unreached = (w: Warning) => w.state === 'accepted' && !w.call && !!w.tried && w.tried.outcome !== 'reached'

export type Whose = 'mine' | 'unclaimed' | 'all' | 'shelved'

export interface Filter {
  whose: Whose
  group: string // tenant/group, or empty
  clinic: string // see atClinic
  text: string
}

/** isMine: what somebody has, and what is offered to them: they need only accept it. */
export const isMine = (w: Warning, account: string) => !!account && held(w) && (w.owner === account || w.offered === account)

export function matches(w: Warning, f: Filter, account: string): boolean {
  if (f.whose === 'mine' && !isMine(w, account)) return false
  if (f.whose === 'unclaimed' && !asks(w)) return false
  if (f.whose === 'shelved' && !aside(w)) return false
  if (f.group && f.group !== `${w.tenant}/${w.group}`) return false
  if (!atClinic(w, f.clinic)) return false
  const text = f.text.trim().toLowerCase()
  if (!text) return true
  const all = [w.patient, w.group, w.owner, w.offered ?? '', w.planned ?? '', w.shelf?.reason ?? '', ...w.reasons.flatMap((r) => [r.zh, r.en])]
  return all.some((s) => s.toLowerCase().includes(text))
}

/** hidden answers the highs that group, clinic and words leave out of what would be shown: whoever narrows the list has to know that they are there. */
export function hidden(open: Warning[], f: Filter, account: string): Warning[] {
  const wide = { ...f, group: '', clinic: '', text: '' }
  return open.filter((w) => w.severity === 'high' && matches(w, wide, account) && !matches(w, f, account))
}

const floodWindow = 600_000 // what brought the flood about was raised in the ten minutes before it

/** inFlood tells whether a warning is one of a flood's many: about a patient, had by nobody, not high, and come with the flood. Those stand behind one line. */
export function inFlood(w: Warning, since: string | null | undefined): boolean {
  return !!since && asks(w) && w.severity !== 'high' && w.problem !== 'fault' && Date.parse(w.raised_at) >= Date.parse(since) - floodWindow
}

/** counts is how many of each severity need somebody; what lies aside is counted by itself. */
export function counts(list: Iterable<Warning>): Record<Severity, number> & { aside: number } {
  const n = { none: 0, low: 0, medium: 0, high: 0, technical: 0, aside: 0 }
  for (const w of list) n[aside(w) ? 'aside' : w.severity]++
  return n
}

/**
 * keep answers the order to show while somebody points at the list: whatever was shown stays where it was, also when
 * it was closed meanwhile, and what came since is told apart so that it can be announced without moving anything.
 */
export function keep(shown: string[], wanted: string[]): { order: string[]; waiting: string[] } {
  const there = new Set(shown)
  return { order: shown, waiting: wanted.filter((id) => !there.has(id)) }
}

/** neighbour answers the id that is step places from id, staying within the list; the first one when id is not in it. */
export function neighbour(ids: string[], id: string | null, step: number): string | null {
  if (ids.length === 0) return null
  const at = id === null ? -1 : ids.indexOf(id)
  if (at < 0) return ids[0] ?? null
  return ids[Math.max(0, Math.min(ids.length - 1, at + step))] ?? null
}

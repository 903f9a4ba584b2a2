import type { Severity, Warning } from '../api/types'

const rank: Record<Severity, number> = { high: 0, medium: 1, low: 2, technical: 3, none: 4 }

/** byNeed sorts by severity, then by the time that is left, then by age; the id keeps equal ones in place. */
export function byNeed(a: Warning, b: Warning): number {
  return (
    rank[a.severity] - rank[b.severity] ||
    deadline(a) - deadline(b) ||
    Date.parse(a.raised_at) - Date.parse(b.raised_at) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  )
}

const deadline = (w: Warning) => (w.answer_by ? Date.parse(w.answer_by) : Infinity)

export const isOpen = (w: Warning) => w.state !== 'closed'

/** asks tells whether the warning waits for somebody to take it. */
export const asks = (w: Warning) => w.state === 'new' || w.state === 'returned'

export type Whose = 'mine' | 'unclaimed' | 'all'

export interface Filter {
  whose: Whose
  group: string // tenant/group, or empty
  text: string
}

export function matches(w: Warning, f: Filter, account: string): boolean {
  if (f.whose === 'mine' && w.owner !== account) return false
  if (f.whose === 'unclaimed' && !asks(w)) return false
  if (f.group && f.group !== `${w.tenant}/${w.group}`) return false
  const text = f.text.trim().toLowerCase()
  if (!text) return true
  const all = [w.patient, w.group, w.owner, ...w.reasons.flatMap((r) => [r.zh, r.en])]
  return all.some((s) => s.toLowerCase().includes(text))
}

/** counts is how many of each severity are in the list. */
export function counts(list: Iterable<Warning>): Record<Severity, number> {
  const n: Record<Severity, number> = { none: 0, low: 0, medium: 0, high: 0, technical: 0 }
  for (const w of list) n[w.severity]++
  return n
}

/**
 * held answers the order to show while somebody points at the list: whatever was shown stays where it was, also when
 * it was closed meanwhile, and what came since is told apart so that it can be announced without moving anything.
 */
export function held(shown: string[], wanted: string[]): { order: string[]; waiting: string[] } {
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

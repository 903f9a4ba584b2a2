import type { BacktestCount, BacktestJob, DraftPage, PackBacktest } from '../api/types'

// A draft that nobody has proposed lies in this browser alone, one for each pack and account: the text of a pack, nothing of a patient.

interface Kept {
  text: string
  based: string // sum of the version that it was begun from
}

const key = (account: string, pack: string) => `tocsin.draft.${account}.${pack}`

/** keptDraft answers what an account has begun here; null: nothing, or nothing that can be read. */
export function keptDraft(account: string, pack: string): Kept | null {
  try {
    const k = JSON.parse(localStorage.getItem(key(account, pack)) ?? 'null')
    return typeof k?.text === 'string' && typeof k?.based === 'string' ? k : null
  } catch {
    return null
  }
}

/** keepDraft answers whether the browser took it: it may be full, or forbid it. */
export function keepDraft(account: string, pack: string, kept: Kept | null): boolean {
  try {
    if (kept) localStorage.setItem(key(account, pack), JSON.stringify(kept))
    else localStorage.removeItem(key(account, pack))
    return true
  } catch {
    return false
  }
}

/** begun is what a draft begins with: the text in effect, its version one higher. */
export const begun = (text: string, version: number) => text.replace(new RegExp(`^version:(\\s*)${version}\\b`, 'm'), `version:$1${version + 1}`)

/** lineOf answers on which line of a pack's text a rule stands; 0: on none. */
export function lineOf(text: string, rule: string): number {
  if (!/^[\w-]+$/.test(rule)) return 0
  return text.split('\n').findIndex((l) => new RegExp(`(\\bid:\\s*|^\\s+)${rule}(?![\\w-])`).test(l)) + 1
}

/** ranFor answers the newest backtest of just this text against the version in effect. */
export const ranFor = (jobs: BacktestJob[], sum: string, page: DraftPage) => jobs.find((j) => j.sum === sum && j.against === page.current.sum && j.state !== 'stopped')

/** Below so many patient-days no rate is told, and nothing rests on a backtest. */
export const leastDays = 7

/** Compared is a number of both sides. */
export interface Compared {
  id: string
  now: number
  then: number
}

/** countsOf answers the counts that a result and the fact of a proposal have in common. */
export const countsOf = (r: BacktestCount | PackBacktest): Compared[] =>
  (['warnings', 'high', 'medium', 'low', 'failed'] as const).map((id) => ({ id, now: r.in_force[id], then: r.drafted[id] }))

/** becameOf answers what became of the warnings. */
export const becameOf = (r: BacktestCount | PackBacktest) => (['same', 'earlier', 'later', 'new', 'lost'] as const).map((id) => ({ id, n: r[id] }))

/** per100 answers a rate; null below one patient-week. */
export const per100 = (n: number, days: number) => (days < leastDays ? null : (100 * n) / days)

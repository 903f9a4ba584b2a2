import type { Quality, QualityLine, QualityWeek, Took } from '../api/types'
import { plain, shareText } from './pack'

/** newestFirst answers the weeks as they are chosen from. */
export const newestFirst = (q: Quality): QualityWeek[] => [...q.weeks].reverse()

/** chosen is the week that is shown first: the last whole one that had a warning, else the one that runs. */
export function chosen(q: Quality): string {
  const weeks = newestFirst(q)
  return (weeks.slice(1).find((w) => w.all.raised > 0) ?? weeks[0])?.from ?? ''
}

/** Fewer judged warnings than this are few: their share is told with the words that say so. */
export const few = 20

type T = (key: string, o?: Record<string, unknown>) => string

/** real says the share that was real with what it is of and its interval; never a share alone. */
export function real(t: T, l: QualityLine): string {
  if (l.share === undefined) return t('quality.noneJudged')
  const span = t('quality.interval', { low: shareText(l.share_low ?? 0), high: shareText(l.share_high ?? 1) })
  return t('quality.real', { p: shareText(l.share), real: l.real, n: l.judged, span })
}

/** rate says warnings per 100 patient-days, or why there is none. */
export const rate = (t: T, l: QualityLine) => (l.per_100_patient_days === undefined ? t('quality.noRate') : plain(l.per_100_patient_days))

/** took says median and 90th percentile, of how many, and how many still wait. */
export function took(t: T, span: (ms: number) => string, x: Took): { text: string; of: string } {
  const one = (ms: number | undefined) => (ms === undefined ? '–' : span(ms))
  if (x.n === 0 && x.waiting === 0) return { text: '–', of: '' }
  return { text: t('quality.took', { median: one(x.median_ms), p90: one(x.p90_ms) }), of: t(x.waiting ? 'quality.tookWaiting' : 'quality.tookOf', { n: x.n, waiting: x.waiting }) }
}

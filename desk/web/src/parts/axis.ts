import type { Course, CourseEvent, CourseWarning, Severity } from '../api/types'
import { dotsFirst, type Dot, type Doubt, type Stretch } from './series'

/** A span of time that is shown, in ms since 1970. */
export interface Span {
  from: number
  to: number
}

const minute = 60_000
const day = 24 * 60 * minute

/** From ten minutes to two years. */
export const nearest = 10 * minute
export const widest = 730 * day

/** The spans of the buttons. */
export const presets = [
  { key: 'years', ms: widest },
  { key: 'quarter', ms: 91 * day },
  { key: 'month', ms: 28 * day },
  { key: 'week', ms: 7 * day },
  { key: 'day', ms: day },
  { key: 'hour', ms: 60 * minute },
  { key: 'near', ms: nearest },
] as const

/** held keeps a span between ten minutes and two years, and its end no later than last. */
export function held({ from, to }: Span, last: number): Span {
  const ms = Math.min(widest, Math.max(nearest, Math.round(to - from)))
  const end = Math.round(Math.min(last, from + (to - from) / 2 + ms / 2))
  return { from: end - ms, to: end }
}

/** zoomed is a span by a factor, with the moment at part (0 to 1) staying where it is. */
export function zoomed({ from, to }: Span, factor: number, part: number, last: number): Span {
  const ms = Math.min(widest, Math.max(nearest, (to - from) * factor))
  const at = from + (to - from) * part
  return held({ from: at - ms * part, to: at + ms * (1 - part) }, last)
}

/** moved is a span by a part of itself. */
export const moved = ({ from, to }: Span, part: number, last: number): Span => held({ from: from + (to - from) * part, to: to + (to - from) * part }, last)

/** What is drawn of one quantity: each reading, or stretches with what of them is doubted. */
export interface Drawn {
  quantity: string
  dots: Dot[]
  stretches?: Stretch[]
}

/** drawnOf takes a course apart by quantity. */
export function drawnOf(c: Course): Drawn[] {
  const by = new Map<string, Drawn>()
  for (const s of c.signals) {
    const d = by.get(s.quantity) ?? { quantity: s.quantity, dots: [], ...(c.step_ms ? { stretches: [] } : {}) }
    by.set(s.quantity, d)
    const doubt = s.doubt as Doubt | ''
    if (c.step_ms && !doubt) d.stretches = s.points.map(([t, end, low, high]) => (high === undefined ? { t: t!, end: t!, low: end!, high: end! } : { t: t!, end: end!, low: low!, high }))
    else if (c.step_ms) d.dots.push(...s.points.flatMap(([t, , low, high]) => (low === high ? [low!] : [low!, high!]).map((v) => ({ t: t!, v, doubt }))))
    else d.dots.push(...s.points.map(([t, v]) => ({ t: t!, v: v!, doubt })))
  }
  for (const d of by.values()) d.dots = dotsFirst(d.dots)
  return [...by.values()]
}

/** What lies so near to what that it would lie on it is one mark. */
export interface Cluster<T> {
  x: number // px, where the first begins
  end: number // px, where the last ends
  from: number
  to: number
  n: number
  items: T[]
}

/** clustered puts together what begins within least px of where a mark stands, in the order of time. */
export function clustered<T extends { from: number; to: number; n: number }>(items: T[], x: (at: number) => number, least: number): Cluster<T>[] {
  const all: Cluster<T>[] = []
  for (const i of items) {
    const last = all[all.length - 1]
    if (last && x(i.from) - last.x < least) {
      last.items.push(i)
      last.n += i.n
      last.to = Math.max(last.to, i.to)
      last.end = Math.max(last.end, x(i.to))
    } else all.push({ x: x(i.from), end: x(i.to), from: i.from, to: i.to, n: i.n, items: [i] })
  }
  return all
}

export const lanes = ['contacts', 'notices', 'answers', 'plan', 'care'] as const
export type Lane = (typeof lanes)[number]

/** eventsOf are the events of a lane as they are clustered. */
export const eventsOf = (c: Course, lane: Lane) => c.events.filter((e) => e.lane === lane).map((e: CourseEvent) => ({ from: Date.parse(e.from), to: Date.parse(e.to), n: e.n, event: e }))

/** barsOf are the warnings as bars; one that is open goes on to last. */
export const barsOf = (c: Course, last: number) => c.warnings.map((w: CourseWarning) => ({ from: Date.parse(w.raised_at), to: w.closed_at ? Date.parse(w.closed_at) : last, n: 1, warning: w }))

const rank: Record<Severity, number> = { high: 4, medium: 3, low: 2, technical: 1, none: 0 }

/** gravest is the severity that a mark of several shows. */
export const gravest = (ws: CourseWarning[]): Severity => ws.reduce<Severity>((a, w) => (rank[w.severity] > rank[a] ? w.severity : a), 'none')

/** Where a bar stands among others that last at the same time: the first row that is free, the last one when there is none. */
export function rowsOf<T extends { from: number; to: number }>(bars: T[], most: number): number[] {
  const free: number[] = []
  return bars.map((b) => {
    let row = free.findIndex((until) => until <= b.from)
    if (row < 0) row = Math.min(free.length, most - 1)
    free[row] = Math.max(free[row] ?? 0, b.to)
    return row
  })
}

/** A score as it stood from one moment to another; upper is what it could have been at most. */
export interface Stood {
  from: number
  to: number
  low: number
  high: number
  upper: number
}

/** scoresOf says which score stood when, up to last. Where there was none there is a hole. */
export function scoresOf(c: Course, last: number): Stood[] {
  const all: Stood[] = []
  c.scores.forEach(([first, until, low, high, upper, endLower, endUpper], i) => {
    const next = Math.min(c.scores[i + 1]?.[0] ?? last, last)
    if (until! > first! && high! >= 0) all.push({ from: first!, to: until!, low: low!, high: high!, upper: upper! })
    else if (high! >= 0 && next <= until!) all.push({ from: first!, to: until!, low: low!, high: high!, upper: upper! })
    if (endLower! >= 0 && next > until!) all.push({ from: until!, to: next, low: endLower!, high: endLower!, upper: endUpper! })
  })
  return all.filter((s) => s.to >= Date.parse(c.from))
}

import type { Reading } from '../api/types'

/** A reading as it is drawn. */
export interface Dot {
  t: number // ms since 1970
  v: number
  doubt: Doubt | ''
}

export type Doubt = 'disowned' | 'unconfirmed' | 'low_quality' | 'test' | 'clock' | 'clock_corrected'

/** doubtOf is the gravest doubt about a reading; empty when there is none. What is doubted is shown, but no line leads to it. */
export function doubtOf(r: { mark: string; clock: string; disowned?: unknown }): Doubt | '' {
  if (r.disowned) return 'disowned'
  if (r.mark === 'test' || r.mark === 'unconfirmed' || r.mark === 'low_quality') return r.mark
  if (r.clock === 'corrected') return 'clock_corrected'
  if (r.clock && r.clock !== 'ok') return 'clock'
  return ''
}

/** believed tells whether a line may lead through a reading. A corrected clock is a note and no doubt about the value. */
export const believed = (d: Dot) => d.doubt === '' || d.doubt === 'clock_corrected' || d.doubt === 'clock'

/** dotsOf is one quantity in the order of measuring; repeats of one moment and value count once. */
export function dotsOf(readings: Reading[], quantity: string): Dot[] {
  const seen = new Set<string>()
  const dots: Dot[] = []
  for (const r of readings) {
    if (r.quantity !== quantity) continue
    const key = `${r.measured_at} ${r.value} ${r.mark}`
    if (seen.has(key)) continue
    seen.add(key)
    dots.push({ t: Date.parse(r.measured_at), v: r.value, doubt: doubtOf(r) })
  }
  return dotsFirst(dots)
}

/** dotsFirst puts dots into the order of measuring. */
export const dotsFirst = (dots: Dot[]) => dots.sort((a, b) => a.t - b.t)

/** Several readings drawn together, from t to end: only their least and greatest are told. */
export interface Stretch {
  t: number
  end: number
  low: number
  high: number
}

const minute = 60_000
/** When something ended: a reading is over at once. */
const over = (d: { t: number; end?: number }) => d.end ?? d.t

/** How many distances beside one tell what is usual there. */
const around = 5

/**
 * gapLimits answers for each reading how long the next one may take before the line is broken: three times what is
 * usual just before it (or just after, at the beginning), at least 5 min. People measure every six hours for weeks and
 * then every ten seconds for an hour; one limit for all of it would hide the gaps of the one or break the other.
 */
export function gapLimits(dots: { t: number; end?: number }[]): number[] {
  const d = dots.slice(1).map((x, i) => Math.max(0, x.t - over(dots[i]!)))
  return dots.map((_, i) => {
    const before = d.slice(Math.max(0, i - around), i)
    const near = before.length >= 2 ? before : [...before, ...d.slice(i + 1, i + 1 + around - before.length)]
    if (near.length < 2) return 12 * 60 * minute
    near.sort((a, b) => a - b)
    return Math.max(5 * minute, 3 * near[Math.floor(near.length / 2)]!)
  })
}

/** lineOf puts a hole into every gap, so that nothing is joined across it. */
export function lineOf(dots: Dot[]): [number, number | null][] {
  const seen = dots.filter(believed)
  const limit = gapLimits(seen)
  const line: [number, number | null][] = []
  seen.forEach((d, i) => {
    const was = seen[i - 1]
    if (was && d.t - was.t > limit[i - 1]!) line.push([(was.t + d.t) / 2, null])
    line.push([d.t, d.v])
  })
  return line
}

/** gapsOf are the stretches without a reading, up to the end of what is shown. */
export function gapsOf(dots: { t: number; end?: number }[], end: number): [number, number][] {
  const limit = gapLimits(dots)
  return dots.flatMap((d, i) => {
    const next = dots[i + 1]?.t ?? end
    return next - over(d) > limit[i]! ? [[over(d), next] as [number, number]] : []
  })
}

/** domain widens the usual span of a quantity by quarters of it until everything fits. */
export function domain(values: number[], [low, high]: [number, number]): [number, number] {
  const step = (high - low) / 4
  const min = Math.min(low, ...values)
  const max = Math.max(high, ...values)
  return [low - Math.ceil((low - min) / step) * step, high + Math.ceil((max - high) / step) * step]
}

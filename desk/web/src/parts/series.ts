import type { Reading } from '../api/types'

/** A reading as it is drawn. */
export interface Dot {
  t: number // ms since 1970
  v: number
  doubt: Doubt | ''
}

export type Doubt = 'unconfirmed' | 'low_quality' | 'test' | 'clock' | 'clock_corrected'

/** doubtOf is the gravest doubt about a reading; empty when there is none. What is doubted is shown, but no line leads to it. */
export function doubtOf(r: { mark: string; clock: string }): Doubt | '' {
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
  return dots.sort((a, b) => a.t - b.t)
}

const minute = 60_000

/** gapOver answers the distance in ms above which two readings count as apart: three usual distances, at least 5 min. */
export function gapOver(dots: { t: number }[]): number {
  const d = dots.slice(1).map((x, i) => x.t - dots[i]!.t).filter((x) => x > 0).sort((a, b) => a - b)
  if (d.length < 2) return 12 * 60 * minute
  return Math.max(5 * minute, 3 * d[Math.floor((d.length - 1) / 2)]!)
}

/** lineOf puts a hole into every gap, so that nothing is joined across it. */
export function lineOf(dots: Dot[], over = gapOver(dots)): [number, number | null][] {
  const line: [number, number | null][] = []
  let was: number | null = null
  for (const d of dots.filter(believed)) {
    if (was !== null && d.t - was > over) line.push([was + (d.t - was) / 2, null])
    line.push([d.t, d.v])
    was = d.t
  }
  return line
}

/** gapsOf are the stretches without a reading, up to the end of what is shown. */
export function gapsOf(dots: Dot[], end: number, over = gapOver(dots)): [number, number][] {
  const gaps: [number, number][] = []
  dots.forEach((d, i) => {
    const next = dots[i + 1]?.t ?? end
    if (next - d.t > over) gaps.push([d.t, next])
  })
  return gaps
}

/** domain widens the usual span of a quantity by quarters of it until everything fits. */
export function domain(values: number[], [low, high]: [number, number]): [number, number] {
  const step = (high - low) / 4
  const min = Math.min(low, ...values)
  const max = Math.max(high, ...values)
  return [low - Math.ceil((low - min) / step) * step, high + Math.ceil((max - high) / step) * step]
}

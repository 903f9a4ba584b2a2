/** A length of time in words' parts: at most two units, the smaller one whole. It never looks like a clock. */
export type SpanUnit = 'd' | 'h' | 'min' | 's'
export type Span = [SpanUnit, number][]

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** spanOf cuts |ms| into at most two units: 72,000 is 1 min 12 s. fine keeps the seconds below an hour. */
export function spanOf(ms: number, fine = true): Span {
  const t = Math.floor(Math.abs(ms) / second) * second
  const n = (unit: number, within = Infinity) => Math.floor((t % within) / unit)
  const two = (a: [SpanUnit, number], b: [SpanUnit, number]): Span => (b[1] ? [a, b] : [a])
  if (t >= day) return two(['d', n(day)], ['h', n(hour, day)])
  if (t >= hour) return two(['h', n(hour)], ['min', n(minute, hour)])
  if (t >= minute) return fine ? two(['min', n(minute)], ['s', n(second, minute)]) : [['min', n(minute)]]
  return [['s', n(second)]]
}

/** msUntil answers how much is left until at, negative when it has passed; null when there is no such moment. */
export function msUntil(at: string | null | undefined, now: number): number | null {
  if (!at) return null
  const t = Date.parse(at)
  return Number.isNaN(t) ? null : t - now
}

import { gapLimits } from './series'

export interface SparkFrame {
  span: [number, number]
  from: number
  to: number
  width: number
  height: number
}

/** What a small trend is made of: a path with holes at gaps, points that stand alone, and the last one. */
export interface Sparkline {
  path: string
  lone: [number, number][]
  last: [number, number] | null
}

/** sparkOf places points in the frame; a value beyond the scale lies on its edge. */
export function sparkOf(points: [number, number][], f: SparkFrame): Sparkline {
  const dots = points.filter(([t]) => t >= f.from && t <= f.to).map(([t, v]) => ({ t, v }))
  const limit = gapLimits(dots)
  const at = (d: { t: number; v: number }): [number, number] => [
    round(((d.t - f.from) / (f.to - f.from)) * f.width),
    round(1.5 + (1 - clamp((d.v - f.span[0]) / (f.span[1] - f.span[0]))) * (f.height - 3)),
  ]
  let path = ''
  const lone: [number, number][] = []
  dots.forEach((d, i) => {
    const [x, y] = at(d)
    const before = i > 0 && d.t - dots[i - 1]!.t <= limit[i - 1]!
    const after = i + 1 < dots.length && dots[i + 1]!.t - d.t <= limit[i]!
    path += `${before ? 'L' : 'M'}${x} ${y}`
    if (!before && !after) lone.push([x, y])
  })
  const last = dots[dots.length - 1]
  return { path, lone, last: last ? at(last) : null }
}

/** direction tells whether the newest third lies above or below the oldest by more than a twentieth of the scale. */
export function direction(points: [number, number][], [low, high]: [number, number]): 'rising' | 'falling' | 'steady' {
  const third = Math.max(1, Math.floor(points.length / 3))
  if (points.length < 2) return 'steady'
  const mean = (ps: [number, number][]) => ps.reduce((s, [, v]) => s + v, 0) / ps.length
  const d = (mean(points.slice(-third)) - mean(points.slice(0, third))) / (high - low)
  return d > 0.05 ? 'rising' : d < -0.05 ? 'falling' : 'steady'
}

const clamp = (x: number) => Math.min(1, Math.max(0, x))
const round = (x: number) => Math.round(x * 10) / 10

import { describe, expect, it } from 'vitest'
import type { Course } from '../api/types'
import { barsOf, clustered, drawnOf, gravest, held, moved, nearest, rowsOf, scoresOf, widest, zoomed } from './axis'
import { option, least } from './chart-option'
import { gapsOf } from './series'

const day = 86_400_000
const hour = day / 24
const end = Date.parse('2026-03-02T00:00:00Z')
const iso = (at: number) => new Date(at).toISOString()
const course = (o: Partial<Course> = {}): Course => ({ history: 'on', group: 'copd', from: iso(end - widest), to: iso(end), step_ms: 2 * day, signals: [], scores: [], warnings: [], left_out: 0, events: [], spans: [], ...o })

/** Two years of readings drawn together over two days each, with one minute of 71 %. */
const years = () => {
  const points = Array.from({ length: 365 }, (_, i) => [end - widest + i * 2 * day, end - widest + i * 2 * day + 46 * hour, i === 200 ? 71 : 93, 98])
  return course({ signals: [{ quantity: 'spo2_percent', doubt: '', points }, { quantity: 'spo2_percent', doubt: 'unconfirmed', points: [[end - 5 * day, end - 4 * day, 20, 30]] }] })
}

describe('a span', () => {
  it('is never shorter than ten minutes, longer than two years, or ahead', () => {
    expect(held({ from: end, to: end + 5 }, end).to).toBe(end)
    let s = { from: end - 1000, to: end }
    for (let i = 0; i < 60; i++) s = zoomed(s, 0.5, 0.3, end)
    expect(s.to - s.from).toBe(nearest)
    for (let i = 0; i < 60; i++) s = zoomed(s, 2, 0.3, end)
    expect(s.to - s.from).toBe(widest)
    expect(moved(s, 0.5, end)).toEqual(s)
  })
  it('keeps what is under the pointer where it is', () => {
    const s = { from: end - 100 * day, to: end - 50 * day }
    const z = zoomed(s, 0.5, 0.4, end)
    expect(z.from + (z.to - z.from) * 0.4).toBeCloseTo(s.from + (s.to - s.from) * 0.4, -1)
  })
})

describe('HIS-3 two years', () => {
  it('have the minute of 71 % in what is drawn, and what is doubted beside it', () => {
    const [d] = drawnOf(years())
    expect(d!.stretches).toHaveLength(365)
    expect(Math.min(...d!.stretches!.map((s) => s.low))).toBe(71)
    expect(d!.dots.map((x) => [x.v, x.doubt])).toEqual([[20, 'unconfirmed'], [30, 'unconfirmed']])
  })
  it('draw it as a bar that can be seen, from 71 up, and join nothing', () => {
    const [d] = drawnOf(years())
    const greys = { ink: '#000', ink2: '#333', line: '#ccc', edge: '#999', panel: '#fff', shade: '#eee' }
    const words = { raised: '', known: '', target: '', limit: '', range: () => '', mark: () => '' }
    const o = option([{ name: 'SpO2', unit: '%', usual: [80, 100], dots: d!.dots, stretches: d!.stretches, gaps: [], own: false, text: String }], { from: end - widest, to: end, time: String, words }, greys, 'sans')
    const bars = o.series.find((s) => s.type === 'custom') as unknown as { data: number[][]; renderItem: (p: unknown, api: object) => { shape: { x: number; y: number; width: number; height: number } } }
    const at = bars.data.findIndex((b) => b[2] === 71)
    expect(at).toBe(200)
    const [min, max] = [o.yAxis[0]!.min, o.yAxis[0]!.max]
    expect(min).toBeLessThanOrEqual(71)
    const width = 1200
    const api = { value: (n: number) => bars.data[at]![n]!, coord: ([t, v]: [number, number]) => [((t - (end - widest)) / widest) * width, 60 - ((v - min) / (max - min)) * 60] }
    const { shape } = bars.renderItem(null, api)
    expect(shape.width).toBeGreaterThanOrEqual(least)
    expect(shape.y + shape.height).toBeCloseTo(60 - ((71 - min) / (max - min)) * 60, 5)
    expect(shape.height).toBeGreaterThan(15)
    expect(o.series.filter((s) => s.type === 'line').every((s) => s.data.length === 0)).toBe(true)
  })
  it('leave a hole where nothing was measured', () => {
    const c = years()
    c.signals[0]!.points.splice(100, 30)
    const [d] = drawnOf(c)
    expect(gapsOf(d!.stretches!, end).filter(([a, b]) => b - a > 30 * day)).toHaveLength(1)
  })
  it('near by each reading is a dot', () => {
    const [d] = drawnOf(course({ step_ms: 0, signals: [{ quantity: 'spo2_percent', doubt: '', points: [[2, 93], [1, 71]] }, { quantity: 'spo2_percent', doubt: 'clock', points: [[3, 90]] }] }))
    expect(d!.stretches).toBeUndefined()
    expect(d!.dots.map((x) => [x.t, x.v, x.doubt])).toEqual([[1, 71, ''], [2, 93, ''], [3, 90, 'clock']])
  })
})

describe('marks', () => {
  it('that would lie on each other are one, with how many they are and until when', () => {
    const items = [0, 5, 9, 100].map((from) => ({ from, to: from + 1, n: 2 }))
    expect(clustered(items, (at) => at, 28).map((c) => [c.from, c.to, c.n])).toEqual([[0, 10, 6], [100, 101, 2]])
  })
  it('of several warnings show the gravest', () => {
    const w = (severity: 'high' | 'low' | 'technical') => ({ severity }) as never
    expect(gravest([w('technical'), w('low'), w('high'), w('low')])).toBe('high')
  })
  it('warnings that last at the same time stand below each other, and an open one lasts until now', () => {
    const w = (id: string, from: number, to?: number) => ({ id, raised_at: iso(from), ...(to ? { closed_at: iso(to) } : {}), severity: 'low', problem: 'silence', rule: '', zh: '', en: '', page: true }) as Course['warnings'][number]
    const bars = barsOf(course({ warnings: [w('a', 0, 10), w('b', 5), w('c', 12, 14)] }), 100)
    expect(bars[1]!.to).toBe(100)
    expect(rowsOf(bars, 4)).toEqual([0, 1, 0])
  })
})

describe('a score', () => {
  it('stands until the next, and where there is none there is a hole', () => {
    const c = course({ scores: [[end - 9 * hour, end - 9 * hour, 3, 3, 5, 3, 5], [end - 6 * hour, end - 5 * hour, 2, 7, 12, -1, -1], [end - hour, end - hour, 1, 1, 1, 1, 1]] })

    c.from = iso(end - 10 * hour)
    expect(scoresOf(c, end).map((s) => [(s.from - end) / hour, (s.to - end) / hour, s.low, s.high, s.upper])).toEqual([[-9, -6, 3, 3, 5], [-6, -5, 2, 7, 12], [-1, 0, 1, 1, 1]])
  })
})

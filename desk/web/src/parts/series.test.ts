import { describe, expect, it } from 'vitest'
import type { Reading } from '../api/types'
import { believed, domain, doubtOf, dotsOf, gapLimits, gapsOf, lineOf, type Dot } from './series'

const minute = 60_000
const hour = 60 * minute
const every = (step: number, n: number, from = 0): Dot[] => Array.from({ length: n }, (_, i) => ({ t: from + i * step, v: 90, doubt: '' as const }))
const holes = (dots: Dot[]) => lineOf(dots).filter(([, v]) => v === null).length

describe('a line of readings', () => {
  it('is whole while readings come as usual', () => expect(holes(every(minute, 60))).toBe(0))
  it('is never joined across a gap', () => {
    const line = lineOf([...every(minute, 20), ...every(minute, 20, 45 * minute)])
    const at = line.findIndex(([, v]) => v === null)
    expect(line[at - 1]![0]).toBe(19 * minute)
    expect(line[at + 1]![0]).toBe(45 * minute)
  })
  it('judges a gap by the readings around it: six hours are usual for one, and a gap for the other', () => {
    const rare = every(6 * hour, 5)
    const often = every(10_000, 30, 24 * hour + 5 * hour)
    expect(holes([...rare, ...often])).toBe(0)
    expect(gapsOf([...rare, ...often], 30 * hour)).toEqual([[often[29]!.t, 30 * hour]])
    expect(holes([...every(6 * hour, 5), ...every(6 * hour, 5, 50 * hour)])).toBe(1)
  })
  it('a reading that is alone promises nothing', () => expect(gapLimits([{ t: 0 }])).toEqual([12 * hour]))
  it('leads through no reading that is doubted', () => {
    const dots = every(minute, 3)
    dots[1]!.doubt = 'unconfirmed'
    dots[1]!.v = 71
    expect(lineOf(dots).map(([, v]) => v)).toEqual([90, 90])
  })
  it('says how long nothing has come, up to now', () => expect(gapsOf(every(minute, 10), 2 * hour)).toEqual([[9 * minute, 2 * hour]]))
})

describe('the doubts', () => {
  it('a mark weighs more than a clock', () => {
    expect(doubtOf({ mark: 'unconfirmed', clock: 'unsynced' })).toBe('unconfirmed')
    expect(doubtOf({ mark: '', clock: 'future' })).toBe('clock')
    expect(doubtOf({ mark: '', clock: 'corrected' })).toBe('clock_corrected')
    expect(doubtOf({ mark: '', clock: 'ok' })).toBe('')
  })
  it('a test is not believed, a corrected clock is', () => {
    expect(believed({ t: 0, v: 0, doubt: 'test' })).toBe(false)
    expect(believed({ t: 0, v: 0, doubt: 'clock_corrected' })).toBe(true)
  })
})

it('a repeat counts once, and readings stand in the order of measuring', () => {
  const r = (at: string, value: number): Reading => ({ quantity: 'spo2_percent', value, mark: '', measured_at: at, received_at: at, clock: 'ok' })
  expect(dotsOf([r('2026-03-02T03:01:00Z', 91), r('2026-03-02T03:00:00Z', 90), r('2026-03-02T03:01:00Z', 91)], 'spo2_percent').map((d) => d.v)).toEqual([90, 91])
})

it('a scale grows by its own steps until everything fits', () => {
  expect(domain([95, 97], [80, 100])).toEqual([80, 100])
  expect(domain([71], [80, 100])).toEqual([70, 100])
  expect(domain([151], [40, 140])).toEqual([40, 165])
})

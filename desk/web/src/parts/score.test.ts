import { describe, expect, it } from 'vitest'
import type { Score } from '../api/types'
import { alike, interval, points, unknowns } from './score'

const score: Score = {
  rule: 'news2', lower: 6, upper: 12, band: 'medium', determined: false, missing: ['respiration_per_min', 'acvpu'],
  parts: [
    { quantity: 'spo2_percent', known: true, value: 84, points: 3, most: 3 },
    { quantity: 'respiration_per_min', known: false, stale: true, value: 19, points: 0, most: 3 },
    { quantity: 'acvpu', known: false, points: 0, most: 3 },
    { quantity: 'systolic_mmhg', known: false, points: 0, most: 3 },
  ],
}

describe('what is not known', () => {
  it('says what it would change alone, and that an old value is one', () =>
    expect(unknowns(score)[0]).toEqual({ quantity: 'respiration_per_min', stale: true, most: 3, total: [6, 9] }))
  it('those alike are said once', () => expect(alike(unknowns(score)).map((a) => a.quantities)).toEqual([['respiration_per_min'], ['acvpu', 'systolic_mmhg']]))
})

it('an interval is one number only when it is one', () => {
  expect(interval({ lower: 6, upper: 12 })).toBe('6–12')
  expect(interval({ lower: 7, upper: 7 })).toBe('7')
})

it('points of what is missing are a span and never 0', () => expect(score.parts.map(points)).toEqual(['3', '0–3', '0–3', '0–3']))

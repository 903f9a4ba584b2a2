import { describe, expect, it } from 'vitest'
import { msUntil, spanOf } from './span'

describe('a length of time', () => {
  it('has at most two units and never looks like a clock', () => {
    expect(spanOf(72_000)).toEqual([['min', 1], ['s', 12]])
    expect(spanOf(999)).toEqual([['s', 0]])
    expect(spanOf(59_999)).toEqual([['s', 59]])
    expect(spanOf(60_000)).toEqual([['min', 1]])
    expect(spanOf(3_600_000 + 5 * 60_000 + 59_000)).toEqual([['h', 1], ['min', 5]])
    expect(spanOf(86_400_000 * 3 + 3_600_000 * 4)).toEqual([['d', 3], ['h', 4]])
  })
  it('is the same for what has passed', () => expect(spanOf(-72_000)).toEqual(spanOf(72_000)))
  it('leaves out the seconds of an age', () => expect(spanOf(125_000, false)).toEqual([['min', 2]]))
})

describe('until', () => {
  const now = Date.parse('2026-03-02T03:00:00Z')
  it('is negative once it has passed', () => expect(msUntil('2026-03-02T02:59:57.000Z', now)).toBe(-3000))
  it('is nothing without a moment', () => {
    expect(msUntil(null, now)).toBeNull()
    expect(msUntil('never', now)).toBeNull()
  })
})

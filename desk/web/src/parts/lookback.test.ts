import { effectScope } from 'vue'
import { describe, expect, it } from 'vitest'
import { now } from '../live/now'
import { backAfterMs, beside, minuteAfter, reach, useLookBack } from './lookback'

const minute = 60_000
const at = (h: number, m: number, s = 0) => Date.UTC(2026, 2, 2, h, m, s)

describe('HIS-2 looking back', () => {
  it('ends by itself a minute after the last touch, not before', async () => {
    const scope = effectScope()
    const back = scope.run(() => useLookBack())!
    now.value = at(3, 0)
    back.set(at(2, 0))
    now.value += backAfterMs - 1
    await Promise.resolve()
    expect(back.at.value).toBe(at(2, 0))
    back.set(at(2, 1))
    now.value += backAfterMs - 1
    await Promise.resolve()
    expect(back.at.value).toBe(at(2, 1))
    now.value += 1
    await Promise.resolve()
    expect(back.at.value).toBeNull()
    scope.stop()
  })

  it('goes over a day before the warning and to no minute that lies ahead', () => {
    expect(reach(at(3, 4, 30), at(4, 0, 59))).toEqual([at(3, 4) - 24 * 60 * minute, at(4, 0)])
    expect(minuteAfter(at(3, 4, 30), at(4, 0))).toBe(at(3, 5))
    expect(minuteAfter(at(3, 59, 30), at(3, 59, 40))).toBe(at(3, 59, 40)) // raised within this minute: known, and not ahead
  })

  it('goes from event to event', () => {
    const events = [at(3, 4, 10), at(3, 4, 50), at(3, 10)]
    expect(beside(events, at(4, 0), -1, at(4, 0))).toBe(at(3, 10))
    expect(beside(events, at(3, 10), -1, at(4, 0))).toBe(at(3, 5))
    expect(beside(events, at(3, 5), -1, at(4, 0))).toBeNull()
    expect(beside(events, at(3, 5), 1, at(4, 0))).toBe(at(3, 10))
  })
})

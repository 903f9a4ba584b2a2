import { describe, expect, it } from 'vitest'
import { isZone, localOf, momentOf } from './zone'

describe('ALR-10 the clock of the hospital', () => {
  it('goes by the zone of the rota and not by the browser’s', () => {
    expect(new Date(momentOf('2026-10-01T08:00', 'Asia/Shanghai')).toISOString()).toBe('2026-10-01T00:00:00.000Z')
    expect(localOf(Date.parse('2026-09-30T16:30:00Z'), 'Asia/Shanghai')).toBe('2026-10-01T00:30')
    expect(localOf(Date.parse('2026-09-30T16:30:00Z'), 'America/New_York')).toBe('2026-09-30T12:30')
  })

  it('knows the nights in which the clock is put forward and back', () => {
    const zone = 'Europe/Berlin'
    expect(new Date(momentOf('2026-03-29T02:30', zone)).toISOString()).toBe('2026-03-29T01:30:00.000Z') // left out: 03:30
    expect(new Date(momentOf('2026-10-25T02:30', zone)).toISOString()).toBe('2026-10-25T00:30:00.000Z') // twice: the first
    for (const h of ['2026-03-29T01:59', '2026-03-29T03:00', '2026-10-25T01:59', '2026-10-25T03:00', '2026-07-01T12:00']) expect(localOf(momentOf(h, zone), zone)).toBe(h)
  })

  it('tells what is no zone and no time', () => {
    expect([isZone('Asia/Shanghai'), isZone('Beijing'), isZone('')]).toEqual([true, false, false])
    expect(momentOf('soon', 'Asia/Shanghai')).toBeNaN()
  })
})

import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { api, Refused, Unreachable } from '../api/client'
import type { Session } from '../api/types'
import { lock, locked, unlock, untold, watchIdle } from './lock'
import { fold, forget, session, warnings } from './store'

const signedIn = (o: Partial<Session> = {}) => ({ state: 'open', account: 'nurse-a', emergencies: [], lock_after_ms: 600_000, factor: { on: false }, ...o }) as unknown as Session
const snapshot = (o: object) => fold({ id: 'p0:9', event: 'snapshot', data: JSON.stringify({ locked: false, warnings: [], rows: [], status: null, ...o }) })

beforeEach(() => {
  vi.useFakeTimers()
  untold.value = false
  session.value = signedIn()
})
afterEach(() => {
  forget()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('SEC-1 a lock hides at once, and is told until the desk has heard', async () => {
  const asked = vi.spyOn(api, 'lock').mockRejectedValueOnce(new Unreachable('down')).mockRejectedValueOnce(new Refused(503, '', '')).mockResolvedValue(signedIn({ state: 'locked' }))
  lock()
  expect(locked.value).toBe(true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(asked).toHaveBeenCalledTimes(3)
  expect([locked.value, untold.value]).toEqual([true, false])
  snapshot({ locked: true, warnings: [{ id: 'w', state: 'new', severity: 'high', version: 1 }] })
  expect(warnings.get('w')!.severity).toBe('high') // what it sounds and counts by
  const no = vi.spyOn(api, 'unlock').mockRejectedValueOnce(new Refused(401, '', ''))
  await expect(unlock('wrong', '')).rejects.toThrow()
  expect(locked.value).toBe(true)
  no.mockResolvedValueOnce(signedIn())
  await unlock('right', '')
  expect(locked.value).toBe(false)
})

it('SEC-1 what the stream says of an open session does not undo a lock of which the desk has not heard', async () => {
  vi.spyOn(api, 'lock').mockRejectedValue(new Unreachable('down'))
  const who = vi.spyOn(api, 'session').mockResolvedValue(signedIn())
  lock()
  snapshot({ locked: true })
  await nextTick()
  snapshot({ locked: false })
  await nextTick()
  expect(locked.value).toBe(true)
  expect(who).not.toHaveBeenCalled()
})

it('SEC-1 a session that the desk locked is locked here, and one that another window unlocked is open', async () => {
  vi.spyOn(api, 'session').mockResolvedValue(signedIn())
  snapshot({ locked: true })
  await nextTick()
  expect(locked.value).toBe(true)
  snapshot({ locked: false })
  await vi.advanceTimersByTimeAsync(1)
  expect(locked.value).toBe(false)
})

it('SEC-1 a desk at which nobody sits locks after as long as the desk server says; somebody who sits there is told of', async () => {
  vi.stubGlobal('window', new EventTarget())
  const told = vi.spyOn(api, 'here').mockResolvedValue(undefined)
  const asked = vi.spyOn(api, 'lock').mockResolvedValue(signedIn({ state: 'locked' }))
  const stop = watchIdle()
  const move = () => window.dispatchEvent(new Event('pointermove'))
  for (let i = 0; i < 20; i++) {
    move()
    await vi.advanceTimersByTimeAsync(30_000)
  }
  expect(told.mock.calls.length).toBe(10) // each minute, not each sign
  await vi.advanceTimersByTimeAsync(569_000)
  expect(asked).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(3_000)
  expect(asked).toHaveBeenCalledTimes(1)
  move()
  expect(told.mock.calls.length).toBe(10) // a locked desk needs its password
  session.value = signedIn({ lock_after_ms: 0 }) // a screen on a wall
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(asked).toHaveBeenCalledTimes(1)
  stop()
  vi.unstubAllGlobals()
})

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const start = Date.parse('2026-03-02T03:00:00.000Z')
const iso = (ms: number) => new Date(ms).toISOString()
const hour = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ now: start })
  vi.resetModules()
})
afterEach(() => vi.useRealTimers())

const load = async () => ({ ...(await import('./now')), ...(await import('./store')) })
type Desk = Awaited<ReturnType<typeof load>>
const status = (d: Desk, at: number, age = 900) => d.fold({ id: 'p0:1', event: 'status', data: JSON.stringify({ at: iso(at), data_age_ms: age }) })

/** sleep is a laptop's: its clock goes on, what counts the running time does not. */
const sleep = (ms: number) => vi.setSystemTime(Date.now() + ms)

it('what was read only after a sleep does not look fresh', async () => {
  const d = await load()
  status(d, start)
  sleep(8 * hour)
  for (const late of [2000, 4000, 6000]) {
    status(d, start + late) // they had come before the lid was shut, and are all read at once
    await vi.advanceTimersByTimeAsync(10)
    expect(d.dataAge.value, `${late}`).toBeGreaterThan(7.9 * hour)
    expect(d.notWatchingSince.value).not.toBeNull()
  }
  status(d, start + 8 * hour + 30)
  expect(d.dataAge.value).toBeLessThan(2000)
  expect(d.notWatchingSince.value).toBeNull()
})

it('a clock of this machine that is set back does not make old data fresh', async () => {
  const d = await load()
  status(d, start)
  await vi.advanceTimersByTimeAsync(20_000)
  vi.setSystemTime(start - hour)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(d.dataAge.value).toBeGreaterThan(40_000)
  expect(d.notWatchingSince.value).not.toBeNull()
})

it('a server whose clock was set back is believed when it says so twice', async () => {
  const d = await load()
  status(d, start)
  await vi.advanceTimersByTimeAsync(2000)
  status(d, start - hour)
  await vi.advanceTimersByTimeAsync(2000)
  status(d, start - hour + 2000)
  expect(Math.abs(d.exactly() - (start - hour + 2000))).toBeLessThan(100)
  expect(d.dataAge.value).toBeLessThan(2000)
})

it('a server whose clock differs is followed at once, also when this machine was set on', async () => {
  const d = await load()
  status(d, start + 3 * hour)
  expect(d.exactly()).toBe(start + 3 * hour)
  vi.setSystemTime(start + 5 * hour)
  d.serverSaid(iso(start + 3 * hour + 2000))
  expect(d.exactly()).toBe(start + 3 * hour + 2000)
})

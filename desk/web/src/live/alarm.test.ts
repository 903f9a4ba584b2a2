import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Warning } from '../api/types'

vi.stubGlobal('window', { matchMedia: () => ({ matches: false, addEventListener() {} }) })
const played: number[] = []
let audio: FakeAudio

/** A browser's sound, which may stop by itself. */
class FakeAudio {
  state = 'suspended'
  currentTime = 0
  destination = {}
  onstatechange = () => {}
  constructor() {
    audio = this
  }
  resume = () => (this.is('running'), Promise.resolve())
  is(state: string) {
    this.state = state
    this.onstatechange()
  }
  node = () => ({ connect: (to: unknown) => to, start: () => played.push(performance.now()), stop() {}, frequency: {}, gain: { setValueAtTime() {}, linearRampToValueAtTime() {} } })
  createGain = this.node
  createOscillator = this.node
}
vi.stubGlobal('AudioContext', FakeAudio)
const { calls, overdue, watchAlarms } = await import('./alarm')
const { change, forget } = await import('./store')
const { mute, mutedMs, prove, soundState } = await import('../parts/sound')

const w = (o: Partial<Warning>) => ({ state: 'new', severity: 'high', danger: false, owner: '', ...o }) as Warning

it('a medium sounds once for each deadline that passed', () => {
  const m = w({ id: 'm', severity: 'medium', answer_by: '2026-03-02T03:00:00.000Z' })
  const at = Date.parse('2026-03-02T03:00:01.000Z')
  expect(overdue([m], at - 2000, new Set())).toEqual([])
  expect(overdue([m, w({ ...m, state: 'accepted' }), w({ ...m, severity: 'high' })], at, new Set())).toEqual(['m 2026-03-02T03:00:00.000Z'])
  expect(overdue([m], at, new Set(['m 2026-03-02T03:00:00.000Z']))).toEqual([])
})

describe('what calls people anew', () => {
  it('a new one, and one that came back', () => {
    expect(calls(w({}), undefined)).toBe(true)
    expect(calls(w({ state: 'returned' }), w({ state: 'accepted', owner: 'a' }))).toBe(true)
  })
  it('one that became graver', () => {
    expect(calls(w({}), w({ severity: 'medium' }))).toBe(true)
    expect(calls(w({ danger: true }), w({}))).toBe(true)
  })
  it('not one that only became older, milder, was taken or closed', () => {
    expect(calls(w({ level: 1 }), w({}))).toBe(false)
    expect(calls(w({ severity: 'medium' }), w({}))).toBe(false)
    expect(calls(w({ state: 'accepted' }), w({}))).toBe(false)
    expect(calls(w({ state: 'closed' }), w({}))).toBe(false)
  })
})

describe('sound', () => {
  afterEach(() => {
    forget()
    vi.useRealTimers()
  })

  it('a high goes on sounding when the clock of this machine is set back, and a mute does not last longer', async () => {
    vi.useFakeTimers()
    const end = watchAlarms()
    await prove()
    change(w({ id: 'h', version: 1 }))
    await vi.advanceTimersByTimeAsync(9000)
    vi.setSystemTime(Date.now() - 3_600_000)
    let before = played.length
    await vi.advanceTimersByTimeAsync(9000)
    expect(played.length).toBeGreaterThan(before)
    mute()
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(2000)
    expect(mutedMs.value).toBeLessThan(120_000)
    before = played.length
    await vi.advanceTimersByTimeAsync(110_000)
    expect(played.length).toBe(before)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(played.length).toBeGreaterThan(before)
    end()
  })

  it('does not call itself proven when the browser has stopped it', async () => {
    await prove()
    expect(soundState.value).toBe('proven')
    audio.is('interrupted')
    expect(soundState.value).toBe('unproven')
    audio.is('running')
    expect(soundState.value).toBe('proven')
  })
})

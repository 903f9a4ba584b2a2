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
const { announced, calls, overdue, watchAlarms } = await import('./alarm')
const { change, forget, link } = await import('./store')
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
  it('ALR-12 not one that is shelved, falls into a planned window or is in care, however grave; each calls when it is back', () => {
    for (const state of ['shelved', 'suppressed', 'in_care', 'accepted'] as const) {
      expect(calls(w({ state }), undefined), state).toBe(false)
      expect(calls(w({ state, danger: true }), w({})), state).toBe(false)
      expect(calls(w({ state: 'returned' }), w({ state })), state).toBe(true)
    }
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

  it('ALR-12 a high falls silent when it is shelved, and sounds again when it is back', async () => {
    vi.useFakeTimers()
    const end = watchAlarms()
    await prove()
    link.ready = true
    const heard = async (o: Partial<Warning>) => {
      change(w({ id: 'h', ...o }))
      const before = played.length
      await vi.advanceTimersByTimeAsync(20_000)
      return played.length > before
    }
    expect(await heard({ version: 1 })).toBe(true)
    expect(await heard({ version: 2, state: 'accepted', owner: 'me' })).toBe(false)
    expect(await heard({ version: 3, state: 'in_care', owner: 'me' })).toBe(false)
    expect(await heard({ version: 4, state: 'shelved' })).toBe(false)
    change(w({ id: 'h', version: 5, state: 'returned' }))
    const back = played.length
    expect(announced.value).toMatchObject({ again: true, warning: { id: 'h', version: 5 } })
    expect(back).toBeGreaterThan(0)
    expect(await heard({ version: 6, state: 'returned' })).toBe(true)
    expect(await heard({ version: 7, state: 'suppressed' })).toBe(false)
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

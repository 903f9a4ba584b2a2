import { describe, expect, it } from 'vitest'
import type { Warning } from '../api/types'
import { aside, asks, byNeed, counts, hidden, inFlood, isMine, keep, matches, neighbour, shelfAsk, unreached } from './queue'

const base: Warning = {
  id: 'w', tenant: 't', patient: 'P-0113', group: 'copd', clinic: 'east', problem: 'deterioration', episode: 1, state: 'new', severity: 'high', peak: 'high', danger: false, rule: 'r', reasons: [],
  raised_at: '2026-03-02T03:00:00.000Z', since: '2026-03-02T03:00:00.000Z', answer_by: '2026-03-02T03:02:00.000Z', owner: '', level: 0, asked: 'nurse', shelve_ms: 0, eased: false, version: 1,
}
const w = (o: Partial<Warning>): Warning => ({ ...base, ...o })
const order = (...list: Warning[]) => [...list].sort(byNeed).map((x) => x.id)

describe('the order of the queue', () => {
  it('is severity first, whatever the time left', () =>
    expect(order(w({ id: 'm', severity: 'medium', answer_by: '2026-03-02T03:00:01.000Z' }), w({ id: 'tech', severity: 'technical' }), w({ id: 'h' }), w({ id: 'l', severity: 'low' }))).toEqual(['h', 'm', 'l', 'tech']))
  it('then the time that is left, the overdue first', () =>
    expect(order(w({ id: 'later', answer_by: '2026-03-02T03:09:00.000Z' }), w({ id: 'over', answer_by: '2026-03-02T02:00:00.000Z' }), w({ id: 'soon' }))).toEqual(['over', 'soon', 'later']))
  it('ALR-12 puts what lies aside behind everything that asks, high or not', () => {
    expect(order(w({ id: 'shelved', state: 'shelved' }), w({ id: 'planned', state: 'suppressed', severity: 'low' }), w({ id: 'tech', severity: 'technical' }))).toEqual(['tech', 'shelved', 'planned'])
    expect(order(w({ id: 'care', state: 'in_care', severity: 'low' }), w({ id: 'shelved', state: 'shelved' }))).toEqual(['care', 'shelved'])
  })
  it('puts what has no deadline behind, and keeps equals in place', () => {
    expect(order(w({ id: 'none', answer_by: null }), w({ id: 'some' }))).toEqual(['some', 'none'])
    expect(order(w({ id: 'b' }), w({ id: 'a' }))).toEqual(['a', 'b'])
  })
})

describe('ALR-15 a flood', () => {
  const since = '2026-03-02T03:05:00.000Z'
  it('is what is not high and nobody has, since ten minutes before it was one', () => {
    expect(inFlood(w({ severity: 'medium' }), since)).toBe(true)
    expect(inFlood(w({ severity: 'low', raised_at: '2026-03-02T02:54:59.000Z' }), since)).toBe(false)
  })
  it('is never what is high, taken, or a fault, and nothing when there is none', () => {
    for (const o of [{}, { severity: 'medium', state: 'accepted', owner: 'me' }, { severity: 'technical', problem: 'fault' }] as Partial<Warning>[]) expect(inFlood(w(o), since)).toBe(false)
    expect(inFlood(w({ severity: 'medium' }), null)).toBe(false)
  })
})

describe('the filters', () => {
  const all = { whose: 'all', group: '', clinic: '', text: '' } as const
  it('ALR-14 by clinic, with group and words together; the highs that are left out are told', () => {
    const list = [w({ id: 'a' }), w({ id: 'b', clinic: 'west' }), w({ id: 'c', clinic: '', severity: 'medium' }), w({ id: 'd', group: 'heart' })]
    const ids = (o: object) => list.filter((x) => matches(x, { ...all, ...o }, 'me')).map((x) => x.id)
    expect(ids({ clinic: 't/east' })).toEqual(['a', 'd'])
    expect(ids({ clinic: 't/east', group: 't/copd' })).toEqual(['a'])
    expect(ids({ clinic: '-' })).toEqual(['c'])
    expect(ids({ clinic: 't/east', text: 'heart' })).toEqual(['d'])
    expect(hidden(list, { ...all, clinic: 't/east' }, 'me').map((x) => x.id)).toEqual(['b'])
    expect(hidden(list, { ...all, whose: 'mine', clinic: 't/east' }, 'me')).toEqual([])
    expect(hidden(list, all, 'me')).toEqual([])
  })
  it('mine are those that I have', () => {
    expect(matches(w({ owner: 'me', state: 'accepted' }), { ...all, whose: 'mine' }, 'me')).toBe(true)
    expect(matches(w({ owner: 'you', state: 'accepted' }), { ...all, whose: 'mine' }, 'me')).toBe(false)
  })
  it('what the last shift leaves asks too, while it is still theirs', () => {
    expect(asks(w({ state: 'accepted', owner: 'you', handover: true }))).toBe(true)
    expect(asks(w({ state: 'accepted', owner: 'you' }))).toBe(false)
  })
  it('unclaimed are those that ask, also again', () => {
    expect(matches(w({ state: 'returned' }), { ...all, whose: 'unclaimed' }, 'me')).toBe(true)
    expect(matches(w({ state: 'accepted', owner: 'me' }), { ...all, whose: 'unclaimed' }, 'me')).toBe(false)
  })
  it('ALR-12 what lies aside is neither mine nor unclaimed; it has its own filter, and all shows it', () => {
    for (const state of ['shelved', 'suppressed'] as const) {
      const x = w({ state })
      expect((['mine', 'unclaimed', 'shelved', 'all'] as const).map((whose) => matches(x, { ...all, whose }, 'me')), state).toEqual([false, false, true, true])
      expect(aside(x)).toBe(true)
    }
    expect(matches(w({}), { ...all, whose: 'shelved' }, 'me')).toBe(false)
  })
  it('mine is what I have in any state, and what is offered to me', () => {
    expect([w({ state: 'in_care', owner: 'me' }), w({ state: 'accepted', owner: 'you', offered: 'me' }), w({ state: 'accepted', owner: 'you' }), w({ state: 'returned', offered: 'me' })].map((x) => isMine(x, 'me'))).toEqual([true, true, false, false])
  })
  it('a group of another tenant is another group', () => expect(matches(w({}), { ...all, group: 'u/copd' }, 'me')).toBe(false))
  it('words are looked for in both languages, whatever their case', () => {
    const x = w({ reasons: [{ rule: 'r', severity: 'high', zh: '血氧 84 %', en: 'SpO2 84 %' }] })
    for (const text of ['spo2', '血氧', ' p-01 ']) expect(matches(x, { ...all, text }, 'me'), text).toBe(true)
    expect(matches(x, { ...all, text: 'weight' }, 'me')).toBe(false)
  })
})

describe('while somebody points at the list', () => {
  it('nothing moves: what came waits, and what went stays', () => expect(keep(['a', 'b'], ['new', 'b'])).toEqual({ order: ['a', 'b'], waiting: ['new'] }))
})

describe('moving by key', () => {
  it('stays within the list and begins at its top', () => {
    expect(neighbour(['a', 'b'], 'b', 1)).toBe('b')
    expect(neighbour(['a', 'b'], 'b', -Infinity)).toBe('a')
    expect(neighbour(['a', 'b'], 'gone', 1)).toBe('a')
    expect(neighbour([], 'a', 1)).toBeNull()
  })
})

it('ALR-15 counts by severity, and by itself what lies aside', () =>
  expect(counts([w({}), w({ severity: 'low' }), w({}), w({ state: 'shelved' }), w({ state: 'suppressed', severity: 'low' })])).toMatchObject({ high: 2, low: 1, medium: 0, technical: 0, aside: 2 }))
it('what was taken, lies aside or is closed asks nobody', () =>
  expect((['accepted', 'in_care', 'shelved', 'suppressed', 'closed', 'new', 'returned'] as const).map((state) => asks(w({ state })))).toEqual([false, false, false, false, false, true, true]))

it('ALR-12 a second person is asked until the time for it is over, and no more once it is shelved', () => {
  const shelf = { by: 'you', reason: 'visit', until: '2026-03-02T03:30:00.000Z', confirm_by: '2026-03-02T03:12:00.000Z' }
  const at = Date.parse('2026-03-02T03:10:00.000Z')
  expect(shelfAsk(w({ shelf }), at)).toBe(shelf)
  expect(shelfAsk(w({ shelf, state: 'accepted', owner: 'you' }), at)).toBe(shelf)
  expect([shelfAsk(w({ shelf }), at + 180_000), shelfAsk(w({ shelf, state: 'shelved' }), at), shelfAsk(w({}), at)]).toEqual([null, null, null])
})

it('ALR-20 not reached holds until somebody is, or the next call begins', () => {
  const tried = { by: 'me', whom: 'patient', outcome: 'no_answer', at: '' } as const
  expect(unreached(w({ state: 'accepted', tried }))).toBe(true)
  expect([w({ state: 'accepted' }), w({ state: 'in_care', tried }), w({ state: 'returned', tried }), w({ state: 'accepted', tried, call: { by: 'me', whom: 'carer', at: '' } })].map(unreached)).toEqual([false, false, false, false])
})

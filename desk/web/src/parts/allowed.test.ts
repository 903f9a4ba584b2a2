import { describe, expect, it } from 'vitest'
import type { Session, Warning } from '../api/types'
import { cannot, nextOn, primary, shelveFor, takesTwo, type Verb } from './allowed'

const at = Date.parse('2026-03-02T03:10:00.000Z')
const may = { see: true, act: true, act_grave: true, reason: false, admin: false, order_plan: false, review: false, audit: false, emergency: false, accounts: false, register: true, enrol: false, know: true, name: true, leave: true, draft: false, consent: false, team: false, choose: false }
const as = (account: string, role = 'nurse', o: Partial<typeof may> = {}): Session => ({ state: 'open', method: 'password', account, role, must_change: false, may: { ...may, ...o }, emergencies: [], factor: { on: false, required: false, possible: true, recovery_left: 0 }, lock_after_ms: 0 })
const me = as('me')
const w = (o: Partial<Warning>) => ({ id: 'a', state: 'new', severity: 'high', peak: 'high', owner: '', ...o }) as Warning
const verbs: Verb[] = ['accept', 'giveBack', 'close', 'call', 'offer', 'note', 'shelve', 'unshelve']
const can = (x: Warning, session = me, down = false) => verbs.filter((v) => cannot(v, x, { session, down }, at) === null)
const mine = w({ state: 'accepted', owner: 'me' })
const theirs = w({ state: 'accepted', owner: 'you' })
const asked = { by: 'you', reason: 'visit', until: '2026-03-02T03:30:00.000Z', confirm_by: '2026-03-02T03:20:00.000Z' }

describe('what is possible in which state, as alerts has it', () => {
  it('while it asks: take it, say something, put it aside', () => {
    for (const state of ['new', 'returned'] as const) expect(can(w({ state }))).toEqual(['accept', 'note', 'shelve'])
  })
  it('while I have it: everything but taking it and ending a shelving', () => {
    for (const state of ['accepted', 'in_care'] as const) expect(can(w({ state, owner: 'me' }))).toEqual(['giveBack', 'close', 'call', 'offer', 'note', 'shelve'])
  })
  it('while another has it: a note; taking it only when it was offered, agreeing only when it was asked', () => {
    expect(can(theirs)).toEqual(['note'])
    expect(can({ ...theirs, offered: 'me' })).toEqual(['accept', 'note'])
    expect(can({ ...theirs, shelf: asked })).toEqual(['note', 'shelve'])
    expect(cannot('shelve', { ...theirs, shelf: asked }, { session: me, down: false }, at + 3_600_000)).toBe('notYours')
  })
  it('at the end of a shift anybody takes it, also who has it', () => {
    expect(can({ ...theirs, handover: true })).toEqual(['accept', 'note'])
    expect(can({ ...mine, handover: true })).toContain('accept')
    expect(primary({ ...theirs, handover: true }, 'me')).toBe('accept')
  })
  it('a doctor or the lead may close and shelve what another has, and not give it back for them', () => {
    for (const role of ['doctor', 'lead']) expect(can(theirs, as('dr', role))).toEqual(['close', 'note', 'shelve'])
  })
  it('what lies aside is taken, noted or woken', () => {
    for (const state of ['shelved', 'suppressed'] as const) expect(can(w({ state }))).toEqual(['accept', 'note', 'unshelve'])
  })
  it('nothing once it is closed, and nothing without a connection', () => {
    expect(can(w({ state: 'closed', owner: 'me' }))).toEqual([])
    expect(can(mine, me, true)).toEqual([])
    expect(cannot('close', mine, { session: me, down: true }, at)).toBe('offline')
  })
  it('the gravest that it has been decides which roles may act', () => {
    const manager = as('hm', 'health-manager', { act_grave: false })
    expect(can(w({ severity: 'low', peak: 'high' }), manager)).toEqual([])
    expect(can(w({ severity: 'low', peak: 'low' }), manager)).toEqual(['accept', 'note', 'shelve'])
    expect(cannot('accept', w({}), { session: manager, down: false }, at)).toBe('role')
  })
  it('says why not', () => {
    const no = (v: Verb, x: Warning) => cannot(v, x, { session: me, down: false }, at)
    expect([no('accept', mine), no('accept', theirs), no('call', w({})), no('call', theirs), no('unshelve', mine), no('shelve', w({ state: 'shelved' }))]).toEqual(['yours', 'held', 'notAccepted', 'notYours', 'notAside', 'aside'])
  })
})

it('one thing is asked at a time: accept, then call, then close', () => {
  expect([w({}), w({ state: 'returned' }), mine, w({ state: 'in_care', owner: 'me' }), theirs, { ...theirs, offered: 'me' }, w({ state: 'shelved' }), w({ state: 'closed' })].map((x) => primary(x, 'me'))).toEqual(['accept', 'accept', 'call', 'close', null, 'accept', null, null])
})

it('the ladder goes on after who was called in vain, and begins again after the last', () => {
  const tried = (whom: 'patient' | 'emergency', outcome: 'no_answer' | 'reached' = 'no_answer') => ({ ...mine, tried: { by: 'me', whom, outcome, at: '' } })
  expect([mine, tried('patient'), tried('emergency'), tried('patient', 'reached')].map(nextOn)).toEqual(['patient', 'carer', 'patient', 'patient'])
})

it('no choice of time goes beyond the limit, and the limit itself is one', () => {
  expect(shelveFor(30 * 60_000)).toEqual([5, 10, 20, 30])
  expect(shelveFor(240 * 60_000)).toEqual([30, 60, 120, 240])
  expect(shelveFor(45 * 60_000)).toEqual([10, 20, 30, 45])
  expect(shelveFor(3 * 60_000)).toEqual([3])
  expect(shelveFor(0)).toEqual([])
})

it('what is or was high takes two to shelve, and whatever its policy says', () => {
  expect([w({}), w({ severity: 'low' }), w({ peak: 'low', severity: 'low' })].map((x) => takesTwo(x))).toEqual([true, true, false])
  expect(takesTwo(w({ peak: 'medium' }), { shelve_two: true })).toBe(true)
})

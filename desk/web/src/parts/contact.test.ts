import { describe, expect, it } from 'vitest'
import type { Person, Warning } from '../api/types'
import { dial, nextRung, rungsOf } from './contact'

const person: Person = {
  name: 'Demo', phones: [{ label: 'mobile', number: '000-1' }, { number: '000-2' }], carers: [{ name: 'Demo A', relation: 'son', phones: [{ number: '000-3' }] }, { name: 'Demo B' }],
  community_phone: '000-4', emergency_phone: '000-120',
}
const warning = (tried?: object) => ({ tried }) as Warning

describe('ALR-20 the ladder of numbers', () => {
  it('the patient, then the carers in order, the community clinic, the own 120 centre', () =>
    expect(rungsOf(person).map((r) => `${r.key} ${r.who} ${r.number}`)).toEqual(['patient  000-1', 'patient-2  000-2', 'carer Demo A, son 000-3', 'carer-2 Demo B ', 'community  000-4', 'emergency  000-120']))

  it('nobody is known: four can still be called and noted', () => expect(rungsOf(null).map((r) => r.key)).toEqual(['patient', 'carer', 'community', 'emergency']))

  it('after a number that did not answer comes the next, and after the last the first', () => {
    const all = rungsOf(person)
    const order = ['']
    for (let i = 0; i < 7; i++) order.push(nextRung(all, warning(), order[order.length - 1]!).key)
    expect(order.slice(1)).toEqual(['patient', 'patient-2', 'carer', 'carer-2', 'community', 'emergency', 'patient'])
  })

  it('a panel that is opened anew goes on with who comes after the last who was tried', () => {
    expect(nextRung(rungsOf(person), warning({ whom: 'patient', outcome: 'no_answer' }), '').key).toBe('carer')
    expect(nextRung(rungsOf(person), warning({ whom: 'carer', outcome: 'reached' }), '').key).toBe('patient')
  })

  it('a number is dialled without what people write between its digits', () => expect(dial('+86 (000) 12-3')).toBe('tel:+86000123'))
})

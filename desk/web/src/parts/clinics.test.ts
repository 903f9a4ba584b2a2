import { expect, it } from 'vitest'
import { atClinic, fromQuery, noClinic } from './clinics'

it('GRP-9 a filter by clinic is of one hospital; those of none are a choice, and a fault that is about nobody is no such patient', () => {
  const at = (tenant: string, clinic: string, group = 'copd') => ({ tenant, clinic, group })
  expect(['', 'demo/east', 'demo/west', noClinic].map((f) => atClinic(at('demo', 'east'), f))).toEqual([true, true, false, false])
  expect(atClinic(at('south', 'east'), 'demo/east')).toBe(false)
  expect(['', 'demo/', noClinic].map((f) => atClinic(at('demo', ''), f))).toEqual([true, true, true])
  expect(['', noClinic].map((f) => atClinic(at('demo', '', ''), f))).toEqual([true, false])
})

it('an address that says it twice says nothing', () => expect([fromQuery(['a', 'b']), fromQuery(undefined), fromQuery('demo/east')]).toEqual(['', '', 'demo/east']))

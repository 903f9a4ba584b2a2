import { describe, expect, it, vi } from 'vitest'
import type { Warning } from '../api/types'

vi.stubGlobal('window', { matchMedia: () => ({ matches: false, addEventListener() {} }) })
const { calls, overdue } = await import('./alarm')

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

import { expect, it } from 'vitest'
import { empty, stops, take } from './importing'

it('what a try says of each row is kept; only a row that is not right keeps the file out', () => {
  const t = empty()
  take(t, { settled: 3 })
  take(t, { row: 4, error: 'taken', zh: '已绑定' })
  take(t, { row: 5, tenant: 'demo', patient: 'P-1', was: ['copd'] })
  take(t, { row: 7, tenant: 'demo', patient: 'P-2', from: '', clinic: 'east' })
  expect(stops(t)).toBe(false)
  take(t, { row: 6, error: 'no', fault: true })
  take(t, { done: true, dry: true, settled: 9, refused: 1, faults: 1 })
  expect(stops(t)).toBe(true)
  expect(t.remarks).toEqual([{ row: 4, zh: '已绑定', en: 'taken', fault: false }, { row: 6, zh: 'no', en: 'no', fault: true }])
  expect(t.moved).toEqual([{ row: 5, patient: 'demo/P-1', was: ['copd'] }, { row: 7, patient: 'demo/P-2', from: '', clinic: 'east' }])
  expect([t.settled, t.last?.refused]).toEqual([9, 1])
})

it('a token is kept with whose it is', () => {
  const t = empty()
  take(t, { row: 2, tenant: 'demo', patient: 'P-1', device: 'ox', token: 's' })
  expect(t.tokens).toEqual([{ tenant: 'demo', patient: 'P-1', device: 'ox', token: 's' }])
})

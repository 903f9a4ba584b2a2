import { beforeEach, expect, it } from 'vitest'
import type { Row, Warning } from '../api/types'
import { change, fold, forget, missing, notWatchingSince, row, rows, warnings } from './store'

const w = (o: object) => ({ id: 'w', state: 'new', severity: 'high', owner: '', version: 1, ...o }) as Warning
const r = (o: object) => ({ tenant: 'demo', patient: 'P-0113', group: 'copd', version: 1, ...o }) as Row
const snapshot = (o: object) => fold({ id: 'p0:9', event: 'snapshot', data: JSON.stringify({ warnings: [], rows: [], status: null, ...o }) })

beforeEach(forget)

it('an answer that the stream has overtaken changes nothing', () => {
  change(w({ version: 7, state: 'closed' }))
  change(w({ version: 5, state: 'accepted', owner: 'nurse-a' }))
  expect(warnings.get('w')!.state).toBe('closed')
  row(r({ version: 7, group: 'surgery' }))
  row(r({ version: 5 }))
  expect(rows.get('demo/P-0113')!.group).toBe('surgery')
})

it('a snapshot replaces everything, also what was newer: the log may be another', () => {
  change(w({ version: 700, state: 'accepted', owner: 'nurse-a' }))
  change(w({ id: 'gone', version: 700 }))
  row(r({ version: 700 }))
  row(r({ patient: 'P-gone', version: 700 }))
  snapshot({ warnings: [w({ version: 3 })], rows: [r({ version: 3, group: 'surgery' })] })
  expect([...warnings.values()].map((x) => [x.id, x.state])).toEqual([['w', 'new']])
  expect([...rows.values()].map((x) => [x.patient, x.group])).toEqual([['P-0113', 'surgery']])
})

it('OPS-2 nobody is watching as soon as the watchdog misses something, since the earlier of that and of what is shown', () => {
  const at = Date.now()
  const iso = (ms: number) => new Date(ms).toISOString()
  const status = (age: number, watchdog?: object) => fold({ id: 'p0:1', event: 'status', data: JSON.stringify({ at: iso(at), data_age_ms: age, watchdog }) })
  status(900, { state: 'well', faults: [] })
  expect([missing.value, notWatchingSince.value]).toEqual([null, null])
  status(900, { state: 'failing', since: iso(at - 70_000), faults: [{ partition: 1, missing: 'log', since: iso(at - 70_000) }] })
  expect([missing.value, notWatchingSince.value]).toEqual(['log', at - 70_000])
  status(900, { state: 'silent', since: iso(at - 95_000), faults: [] })
  expect([missing.value, notWatchingSince.value]).toEqual(['silent', at - 95_000])
  status(400_000, { state: 'silent', since: iso(at - 95_000), faults: [] })
  expect(notWatchingSince.value).toBeLessThan(at - 300_000)
  status(900) // a server of before
  expect([missing.value, notWatchingSince.value]).toEqual([null, null])
})

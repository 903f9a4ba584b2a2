import { describe, expect, it } from 'vitest'
import type { DeviceRow, Enrolled } from '../api/types'
import { chosenOf, devicesLike, keyOf, keysOf, patientsLike, scopeOf, whole } from './register'

const p = (patient: string, o: Partial<Enrolled> = {}): Enrolled => ({ tenant: 'demo', patient, groups: ['copd'], clinic: '', devices: [], named: false, ...o })
const all = [p('P-0001', { devices: ['ox-7'] }), p('P-0002', { groups: ['heart', 'copd'] }), p('P-0003', { tenant: 'south', left: { at: '', why: 'died' } }), p('P-0004', { left: { at: '' } })]
const ids = (list: { patient: string }[]) => list.map((x) => x.patient)

describe('who fits', () => {
  const like = (o: object) => ids(patientsLike(all, { text: '', place: '', clinic: '', standing: 'all', ...o }))
  it('by id or device', () => {
    expect(like({ text: ' p-0002 ' })).toEqual(['P-0002'])
    expect(like({ text: 'OX-7' })).toEqual(['P-0001'])
  })
  it('by tenant, or by any of the groups', () => {
    expect(like({ place: 'south' })).toEqual(['P-0003'])
    expect(like({ place: 'demo/copd' })).toEqual(['P-0001', 'P-0002', 'P-0004'])
    expect(like({ place: 'demo/heart' })).toEqual(['P-0002'])
  })
  it('by whether the care goes on', () => {
    expect(like({ standing: 'in' })).toEqual(['P-0001', 'P-0002'])
    expect(like({ standing: 'ended' })).toEqual(['P-0003', 'P-0004'])
    expect(like({ standing: 'died' })).toEqual(['P-0003'])
  })
})

it('a device that is bound and silent is found; one that is revoked is not silent', () => {
  const d = (device: string, o: Partial<DeviceRow> = {}): DeviceRow => ({ device, tenant: 'demo', patient: 'P-1', from: '', ...o })
  const devices = [d('a', { heard: 'now' }), d('b'), d('c', { revoked: true })]
  expect(devicesLike(devices, { text: '', place: '', wearing: 'unheard' }).map((x) => x.device)).toEqual(['b'])
  expect(devicesLike(devices, { text: '', place: '', wearing: 'bound' }).map((x) => x.device)).toEqual(['a', 'b'])
})

it('a list is loaded to its last page, and shown from the first', async () => {
  const pages: Record<string, { rows: number[]; next: string }> = { '': { rows: [1, 2], next: 'b' }, b: { rows: [3], next: '' } }
  const seen: number[][] = []
  const all = await whole((after) => Promise.resolve(pages[after]!), (x) => x.rows)((so) => seen.push(so.rows))
  expect(seen).toEqual([[1, 2]])
  expect(all.rows).toEqual([1, 2, 3])
})

it('a scope says a tenant once: its groups are in it', () => {
  expect(scopeOf(['demo', 'demo/copd', 'south/heart'])).toEqual({ tenants: ['demo'], groups: ['south/heart'], clinics: [] })
  expect(scopeOf(['*', 'demo'])).toEqual({ tenants: ['*'], groups: [], clinics: [] })
  expect(scopeOf([])).toEqual({ tenants: [], groups: [], clinics: [] })
  expect(keysOf([{ tenant: 'demo', groups: [{ group: 'copd', zh: '', en: '' }], clinics: [] }])).toEqual(['demo', 'demo/copd'])
})

it('SEC-5 a clinic and a group of one name are two things of a scope', () => {
  const chosen = ['south/copd', keyOf('demo', 'copd'), keyOf('south', 'east')]
  expect(scopeOf(chosen)).toEqual({ tenants: [], groups: ['south/copd'], clinics: ['demo/copd', 'south/east'] })
  expect(chosenOf(scopeOf(chosen))).toEqual(chosen)
  expect(scopeOf([...chosen, 'south'])).toEqual({ tenants: ['south'], groups: [], clinics: ['demo/copd'] })
})

it('GRP-9 patients by clinic, and those of none', () => {
  const list = [p('P-1', { clinic: 'east' }), p('P-2'), p('P-3', { clinic: 'east', tenant: 'south' })]
  const like = (clinic: string) => ids(patientsLike(list, { text: '', place: '', clinic, standing: 'all' }))
  expect([like('demo/east'), like('-'), like('')]).toEqual([['P-1'], ['P-2'], ['P-1', 'P-2', 'P-3']])
})

import type { AccountRow, DeviceRow, Enrolled, Place } from '../api/types'
import { atClinic } from './clinics'

// Long lists that are loaded whole and looked through on the page.

/** What has come of a list that is loaded by pages: its rows so far, and the first page with what that says of all. */
export interface Rows<P, T> {
  rows: T[]
  first: P
}

/** whole answers how a list is loaded by its pages; heard is told what is there so far, so that the first rows show at once. */
export const whole = <P extends { next: string }, T>(page: (after: string) => Promise<P>, rowsOf: (p: P) => T[]) => async (heard: (so: Rows<P, T>) => void): Promise<Rows<P, T>> => {
  const first = await page('')
  let so = { rows: rowsOf(first), first }
  for (let after = first.next; after !== ''; ) {
    heard(so)
    const p = await page(after)
    so = { rows: so.rows.concat(rowsOf(p)), first }
    after = p.next
  }
  return so
}

export type Standing = 'all' | 'in' | 'ended' | 'discharged' | 'died' | 'consent_withdrawn'

export interface PatientFilter {
  text: string
  place: string // tenant, or tenant/group
  clinic: string // see atClinic
  standing: Standing
}

const has = (text: string, ...of: string[]) => of.some((s) => s.toLowerCase().includes(text))

const placed = (place: string, tenant: string, groups: string[]) => {
  const cut = place.indexOf('/')
  return !place || (cut < 0 ? tenant === place : tenant === place.slice(0, cut) && groups.includes(place.slice(cut + 1)))
}

/** patientsLike answers who fits. What is typed is looked for in ids and devices. */
export function patientsLike(all: Enrolled[], f: PatientFilter): Enrolled[] {
  const text = f.text.trim().toLowerCase()
  return all.filter((p) => {
    if (f.standing === 'in' ? p.left : f.standing === 'ended' ? !p.left : f.standing !== 'all' && p.left?.why !== f.standing) return false
    return placed(f.place, p.tenant, p.groups) && atClinic({ ...p, group: p.groups[0] ?? '' }, f.clinic) && (!text || has(text, p.patient, ...p.devices))
  })
}

export type Wearing = 'all' | 'bound' | 'revoked' | 'unheard'

/** devicesLike answers which fit: unheard are those that are bound and of which nothing was heard since the desk listens. */
export function devicesLike(all: DeviceRow[], f: { text: string; place: string; wearing: Wearing }): DeviceRow[] {
  const text = f.text.trim().toLowerCase()
  return all.filter((d) => {
    if (f.wearing === 'bound' ? d.revoked : f.wearing === 'revoked' ? !d.revoked : f.wearing === 'unheard' && (d.revoked || d.heard)) return false
    return (!f.place || d.tenant === f.place) && (!text || has(text, d.device, d.patient))
  })
}

export function accountsLike(all: AccountRow[], f: { text: string; role: string }): AccountRow[] {
  const text = f.text.trim().toLowerCase()
  return all.filter((a) => (!f.role || a.role === f.role) && (!text || has(text, a.account, ...a.tenants, ...a.groups, ...a.clinics)))
}

/** What a scope can be chosen from, as one list of keys: * is everywhere. */
export const keysOf = (places: Place[]) => places.flatMap((p) => [p.tenant, ...p.groups.map((g) => `${p.tenant}/${g.group}`)])

const clinicMark = 'clinic:' // a clinic may be called as a group is

/** keyOf is a clinic as ScopePick has it. */
export const keyOf = (tenant: string, clinic: string) => `${clinicMark}${tenant}/${clinic}`

/** chosenOf answers what is chosen of a scope, the other way round than scopeOf. */
export const chosenOf = (s: { tenants: string[]; groups: string[]; clinics?: string[] }) => [...s.tenants, ...s.groups, ...(s.clinics ?? []).map((c) => clinicMark + c)]

/** tenantOf answers the hospital of something that is chosen. */
export const tenantOf = (key: string) => key.replace(clinicMark, '').split('/')[0]!

/** scopeOf answers tenants, groups and clinics of what was chosen. A tenant has its groups and clinics in it. */
export function scopeOf(chosen: string[]): { tenants: string[]; groups: string[]; clinics: string[] } {
  if (chosen.includes('*')) return { tenants: ['*'], groups: [], clinics: [] }
  const tenants = chosen.filter((k) => !k.includes('/'))
  const parts = chosen.filter((k) => k.includes('/') && !tenants.includes(tenantOf(k)))
  return { tenants, groups: parts.filter((k) => !k.startsWith(clinicMark)), clinics: parts.filter((k) => k.startsWith(clinicMark)).map((k) => k.slice(clinicMark.length)) }
}

/** How high a row is in px: two lines on a phone, one at a desk. */
export const rowHeight = (narrow: boolean) => (narrow ? 68 : 44)

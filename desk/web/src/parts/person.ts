import type { Person } from '../api/types'

// Who a patient is, as a form has it: every field is there, and empty where nothing is known.

export interface PhoneDraft {
  label: string
  number: string
}

export interface PersonDraft {
  name: string
  birth_date: string
  sex: string
  phones: PhoneDraft[]
  carers: { name: string; relation: string; phones: PhoneDraft[] }[]
  address: string
  dialect: string
  lives_alone: '' | 'yes' | 'no'
  community_phone: string
  emergency_phone: string
}

export const mostPhones = 5
export const mostCarers = 5

const phonesOf = (all: Person['phones']) => (all ?? []).map((p) => ({ label: p.label ?? '', number: p.number }))

export function draftOf(p: Person): PersonDraft {
  return {
    name: p.name ?? '', birth_date: p.birth_date ?? '', sex: p.sex ?? '', phones: phonesOf(p.phones), address: p.address ?? '', dialect: p.dialect ?? '',
    carers: (p.carers ?? []).map((c) => ({ name: c.name, relation: c.relation ?? '', phones: phonesOf(c.phones) })),
    lives_alone: p.lives_alone === undefined ? '' : p.lives_alone ? 'yes' : 'no', community_phone: p.community_phone ?? '', emergency_phone: p.emergency_phone ?? '',
  }
}

const sent = (all: PhoneDraft[]) => all.map((p) => ({ label: p.label.trim() || undefined, number: p.number.trim() }))

/** personOf leaves out what is empty. A line of which nothing was said stays: the desk says what is wrong with it, at its place. */
export function personOf(d: PersonDraft): Person {
  const text = (s: string) => s.trim() || undefined
  return {
    name: text(d.name), birth_date: text(d.birth_date), sex: text(d.sex), phones: sent(d.phones), address: text(d.address), dialect: text(d.dialect),
    carers: d.carers.map((c) => ({ name: c.name.trim(), relation: text(c.relation), phones: sent(c.phones) })),
    lives_alone: d.lives_alone ? d.lives_alone === 'yes' : undefined, community_phone: text(d.community_phone), emergency_phone: text(d.emergency_phone),
  }
}

/** earlier moves one of a list up: the order is the order in which they are called. */
export function earlier<T>(list: T[], i: number) {
  list.splice(i - 1, 0, ...list.splice(i, 1))
}

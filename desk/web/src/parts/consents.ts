import type { ConsentRow } from '../api/types'

export const purposes = ['monitoring', 'sharing', 'research'] as const
export type Purpose = (typeof purposes)[number]
export const states = ['none', 'withdrawn', 'expired', 'before_records', 'given'] as const
export type ConsentState = (typeof states)[number]

export interface ConsentFilter {
  text: string
  place: string // tenant
  purpose: Purpose
  state: ConsentState | ''
  form: string // of formKey
}

export const stateOf = (r: ConsentRow, purpose: Purpose): ConsentState => r.purposes.find((p) => p.purpose === purpose)?.state ?? 'none'
export const formKey = (f: { form: string; version: string }) => `${f.form}\n${f.version}`

/** consentsLike answers who fits. What is typed is looked for in ids of patients and numbers of forms. */
export function consentsLike(all: ConsentRow[], f: ConsentFilter): ConsentRow[] {
  const text = f.text.trim().toLowerCase()
  return all.filter(
    (r) =>
      (!f.place || r.tenant === f.place) &&
      (!f.state || stateOf(r, f.purpose) === f.state) &&
      (!f.form || r.forms.some((x) => formKey(x) === f.form)) &&
      (!text || [r.patient, ...r.forms.map((x) => x.id)].some((x) => x.toLowerCase().includes(text))),
  )
}

/** blank are those of whom nothing is recorded: a form of before can be carried over for them. Whose care has ended needs none. */
export const blank = (all: ConsentRow[]) => all.filter((r) => r.watched && r.forms.length === 0 && !r.withdrew)

/** The day as it is here; until a day is until its end. */
export const moment = (day: string, after = 0) => new Date(new Date(`${day}T00:00:00`).getTime() + after).toISOString()
export const aDay = 24 * 3600_000

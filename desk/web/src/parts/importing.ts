import type { ImportLine } from '../api/types'

/** A row of a file of which something has to be said. */
export interface Remark {
  row: number
  zh: string
  en: string
  fault: boolean // as long as it stands there nothing of the file is imported
}

/** What a try has found, or an import has done. */
export interface Tally {
  remarks: Remark[]
  moved: { row: number; patient: string; was?: string[]; from?: string; clinic?: string }[]
  tokens: { tenant: string; patient: string; device: string; token: string }[]
  settled: number
  last: ImportLine | null
}

export const empty = (): Tally => ({ remarks: [], moved: [], tokens: [], settled: 0, last: null })

/** take puts one line of the answer into a tally. */
export function take(t: Tally, l: ImportLine) {
  if (l.done) t.last = l
  if (l.settled) t.settled = Math.max(t.settled, l.settled)
  if (l.done || !l.row) return
  if (l.error) t.remarks.push({ row: l.row, zh: l.zh || l.error, en: l.error, fault: l.fault === true })
  else if (l.was || l.from !== undefined) t.moved.push({ row: l.row, patient: `${l.tenant}/${l.patient}`, ...(l.was && { was: l.was }), ...(l.from !== undefined && { from: l.from, clinic: l.clinic }) })
  else if (l.token) t.tokens.push({ tenant: l.tenant ?? '', patient: l.patient ?? '', device: l.device ?? '', token: l.token })
}

/** Rows with a fault keep the whole file out; the others of which something is said are refused alone. */
export const stops = (t: Tally) => t.remarks.some((r) => r.fault)

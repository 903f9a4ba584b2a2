import type { Person, Warning } from '../api/types'
import { ladder, nextOn, type Whom } from './allowed'

/** One number on the ladder, in the order of calling. A rung without a number can still be noted: somebody may know one. */
export interface Rung {
  key: string // patient, patient-2, carer, carer-2 …
  whom: Whom
  who: string // name and relation of a carer
  label: string // mobile, home …
  number: string
}

/** rungsOf answers whom to call, in order: the patient's numbers, those of the carers, the community clinic, the patient's own 120 centre. */
export function rungsOf(p: Person | null): Rung[] {
  const found: Omit<Rung, 'key'>[] = []
  for (const ph of p?.phones ?? []) found.push({ whom: 'patient', who: '', label: ph.label ?? '', number: ph.number })
  for (const c of p?.carers ?? []) {
    const who = [c.name, c.relation].filter(Boolean).join(', ')
    for (const ph of c.phones?.length ? c.phones : [{ number: '' }]) found.push({ whom: 'carer', who, label: ('label' in ph && ph.label) || '', number: ph.number })
  }
  if (p?.community_phone) found.push({ whom: 'community', who: '', label: '', number: p.community_phone })
  if (p?.emergency_phone) found.push({ whom: 'emergency', who: '', label: '', number: p.emergency_phone })
  return ladder.flatMap((whom) => {
    const mine = found.filter((r) => r.whom === whom)
    return (mine.length ? mine : [{ whom, who: '', label: '', number: '' }]).map((r, i) => ({ ...r, key: i ? `${whom}-${i + 1}` : whom }))
  })
}

/** nextRung answers which number comes next: the one behind that which was called last at this desk, else the first of whoever is next on the ladder. After the last comes the first again. */
export function nextRung(rungs: Rung[], w: Warning, last: string): Rung {
  const at = rungs.findIndex((r) => r.key === last)
  if (at >= 0) return rungs[(at + 1) % rungs.length]!
  return rungs.find((r) => r.whom === nextOn(w)) ?? rungs[0]!
}

/** dial answers a number as a link that a phone understands. */
export const dial = (number: string) => 'tel:' + number.replace(/[^\d+]/g, '')

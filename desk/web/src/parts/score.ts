import type { Part, Score } from '../api/types'

/** partName is what a part of a score counts: a sign, or an answer by its code. */
export const partName = (p: Part): string => p.quantity ?? p.code ?? ''

/** What a part that is not known would change: the span of the total when it alone became known. */
export interface Unknown {
  quantity: string
  stale: boolean
  most: number // what it can add at most
  total: [number, number] // the lower bound if it were normal, and if it were at its worst
}

/** unknowns lists the parts that are missing, the one that can change most first. */
export function unknowns(s: Score): Unknown[] {
  return s.parts
    .filter((p) => !p.known)
    .map((p) => ({
      quantity: partName(p),
      stale: p.stale === true,
      most: p.most - p.points,
      total: [s.lower, s.lower + p.most - p.points] as [number, number],
    }))
    .sort((a, b) => b.most - a.most)
}

/** alike puts those together that would change the same, so that four lines become one. */
export function alike(list: Unknown[]): { quantities: string[]; stale: boolean; total: [number, number] }[] {
  const by = new Map<string, { quantities: string[]; stale: boolean; total: [number, number] }>()
  for (const u of list) {
    const key = `${u.stale} ${u.total.join()}`
    const same = by.get(key)
    if (same) same.quantities.push(u.quantity)
    else by.set(key, { quantities: [u.quantity], stale: u.stale, total: u.total })
  }
  return [...by.values()]
}

/** points writes what a part added: a number, or a span when it is not known. */
export const points = (p: Part) => (p.known || p.most === p.points ? String(p.points) : `${p.points}–${p.most}`)

/** interval writes a score: 7, or 6–12. */
export const interval = (s: { lower: number; upper: number }) =>
  s.lower === s.upper ? String(s.lower) : `${s.lower}–${s.upper}`

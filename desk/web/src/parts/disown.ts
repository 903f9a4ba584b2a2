import type { Reading, Warning } from '../api/types'

/** A moment at which something was measured, with all of it. */
export interface Measuring {
  at: string
  readings: { quantity: Reading['quantity']; value: number }[]
}

/** measurings are those that a warning rests on, the newest first: what its reasons, their inputs and its score name. */
export function measurings(w: Warning): Measuring[] {
  const found = new Map<string, Map<string, Measuring['readings'][number]>>()
  const add = (quantity: string | null | undefined, value: number | null | undefined, at: string | null | undefined) => {
    if (!quantity || value == null || !at) return
    const there = found.get(at) ?? new Map()
    there.set(`${quantity} ${value}`, { quantity: quantity as Reading['quantity'], value })
    found.set(at, there)
  }
  for (const r of w.reasons) add(r.quantity, r.value, r.measured_at)
  for (const p of w.score?.parts ?? []) add(p.quantity, p.value, p.measured_at)
  return [...found].map(([at, all]) => ({ at, readings: [...all.values()] })).sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
}

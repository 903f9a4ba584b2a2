import type { Severity } from '../api/types'

/** Told is what a mark of the time axis says when it is asked: a line for each thing. */
export interface Told {
  lane: string
  from: number
  to: number
  n: number
  lines: { text: string; severity?: Severity; warning?: string }[]
}

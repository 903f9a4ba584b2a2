import type { Input, WordPair } from '../api/types'
import { spanOf } from './span'

/** unitText writes a UCUM unit as people do. What stands in braces is only a note. */
export function unitText(ucum: string): string {
  return ucum.replace(/\{[^}]*\}/g, '').replace('mm[Hg]', 'mmHg').replace('Cel', '°C').replace(/^\/$/, '')
}

/** sign is how a bound is written: whether the bound itself breaches it. */
export const sign = (l: { above: boolean; strict: boolean }) => (l.above ? (l.strict ? '>' : '≥') : l.strict ? '<' : '≤')

/** shareText writes a share in whole percent. */
export const shareText = (share: number) => `${Math.round(share * 100)} %`

/** plain writes a number with as many decimals as it has, two at most. */
export const plain = (v: number) => String(Math.round(v * 100) / 100)

/** measureText writes a measure as finely as it means something: 149, 66.4, 2.33. */
export const measureText = (v: number) => String(Number(v.toFixed(Math.abs(v) >= 100 ? 0 : Math.abs(v) >= 10 ? 1 : 2)))

/** Called is a call of a window function in a condition, such as rise(weight_kg, "3d"). */
export interface Called {
  fn: string
  of: string
  ms: number | null // the length of its window
}

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** called reads a call; null for a plain name, and for what is more than one call. */
export function called(name: string): Called | null {
  const m = /^(\w+)\((\w+)(?:,.*)?\)$/.exec(name)
  if (!m) return null
  const length = /"(\d+(?:\.\d+)?)([smhd])"/.exec(name)
  return { fn: m[1]!, of: m[2]!, ms: length ? Number(length[1]) * units[length[2]!]! : null }
}

interface Say {
  t: (key: string, o?: Record<string, unknown>) => string
  te: (key: string) => boolean
  inWords: (x: { zh: string; en: string }) => string
  span: (ms: number) => string
}

/** inputName says what an input of a condition is, in words; what has none stays as its author wrote it. */
export function inputName(say: Say, name: string, names: Record<string, WordPair>, rule = ''): string {
  const known = names[`${rule}:${name}`] ?? names[name]
  if (known) return say.inWords(known)
  if (say.te(`quantity.${name}`)) return say.t(`quantity.${name}`)
  const c = called(name)
  if (!c || !say.te(`fn.${c.fn}`)) return name
  return say.t(`fn.${c.fn}`, { x: inputName(say, c.of, names), len: c.ms === null ? '' : say.span(c.ms) }).trim()
}

/** inputValue says what an input was: yes or no, or a number with its unit; what is not known is said. */
export function inputValue(say: Say, input: Input, names: Record<string, WordPair>): string {
  if (input.value === undefined || input.value === null) return say.t('inputs.unknown')
  if (names[input.name]?.yes_no) return say.t(input.value ? 'inputs.yes' : 'inputs.no')
  const unit = unitText(input.unit ?? '')
  return plain(input.value) + (unit ? '\u00a0' + unit : '')
}

/** whole is a length in its largest whole unit, for cadences: 12 h, 7 d. */
export function whole(say: Say, ms: number): string {
  return ms % 86_400_000 === 0 && ms > 86_400_000 ? say.t('span.d', { n: ms / 86_400_000 }) : ms % 3_600_000 === 0 ? say.t('span.h', { n: ms / 3_600_000 }) : spanOf(ms).map(([u, n]) => say.t(`span.${u}`, { n })).join(say.t('span.sep'))
}

/** Three parts of a bar: true, not true, and what nobody can say yet. */
export interface Bar {
  real: number
  no: number
  open: number
}

export const barOf = (t: { real: number; usual: number; measurement: number; technical: number; open: number; unknown: number }): Bar => ({
  real: t.real,
  no: t.usual + t.measurement + t.technical,
  open: t.open + t.unknown,
})

/** top is the height of a chart: a round number that no bar goes beyond. */
export function top(bars: Bar[]): number {
  const most = Math.max(1, ...bars.map((b) => b.real + b.no + b.open))
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= most)!
}

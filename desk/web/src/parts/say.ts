import { Refused } from '../api/client'
import type { Group, Reason, Warning } from '../api/types'
import { exactly, now } from '../live/now'
import { settings } from './settings'
import { acvpuLetter, distressWord, shownAs, valueText } from './quantity'
import { msUntil, spanOf } from './span'
import { clinics } from './clinics'
import { groups } from './groups'
import { i18n } from '../words'

/** useSay answers how things are said in the language of the screen. Whatever it says follows the language at once. It is the same for every part: a composer for each row of a long list costs more than the row. */
export const useSay = () => say

const say = speaker()

function speaker() {
  const { t, te } = i18n.global

  const span = (ms: number, fine = true) =>
    spanOf(ms, fine).map(([unit, n]) => t(`span.${unit}`, { n })).join(t('span.sep'))

  /** How long ago a moment was, seen from now or from another; a moment that lies ahead is said as such and never as "0 s ago". */
  function ago(at: string | number | null | undefined, fine = false, from = now.value) {
    if (at === null || at === undefined || at === '') return t('span.never')
    const ms = from - (typeof at === 'number' ? at : Date.parse(at))
    if (ms < -5000) return t('span.future', { span: span(ms, fine) })
    return t('span.ago', { span: span(Math.max(0, ms), fine) })
  }

  /** left says how much time there is, or by how much it has run out; empty without a deadline. */
  function left(at: string | null | undefined) {
    const ms = msUntil(at, now.value)
    if (ms === null) return ''
    return t(ms >= 0 ? 'span.left' : 'span.over', { span: span(ms) })
  }

  /** clock writes a moment: the time of day, with the date when it is not today, and with the year when it is another: a device's clock may stand in 1970. */
  function clock(at: string | number | null | undefined, seconds = false) {
    if (at === null || at === undefined || at === '') return '–'
    const d = new Date(at)
    const desk = new Date(exactly())
    const far = desk.toDateString() === d.toDateString() ? 'today' : desk.getFullYear() === d.getFullYear() ? 'year' : 'ever'
    return format(settings.language, far, seconds).format(d)
  }

  /** day writes a date, with the year when it is another. */
  function day(at: string | number) {
    const d = new Date(at)
    return dates(settings.language, new Date(exactly()).getFullYear() !== d.getFullYear()).format(d)
  }

  const quantity = (q: string) => (te(`quantity.${q}`) ? t(`quantity.${q}`) : q)

  /** number writes a value without its unit; a code is a word. */
  function number(q: string, v: number) {
    if (q === 'acvpu') return t(`acvpu.${acvpuLetter(v)}`)
    if (q === 'supplemental_o2') return t(v ? 'o2.yes' : 'o2.no')
    if (q === 'respiratory_distress' && distressWord(v)) return t(`distress.${distressWord(v)}`)
    return valueText(q, v)
  }

  /** value writes a value with its unit, kept together on one line. */
  function value(q: string, v: number) {
    const unit = shownAs(q).unit
    return number(q, v) + (unit ? '\u00a0' + unit : '')
  }

  const inWords = (x: { zh: string; en: string }) => (settings.language === 'zh' ? x.zh || x.en : x.en || x.zh)

  /** why words what came in place of an answer: the desk's own refusal, or that it could not be asked. */
  const why = (e: unknown) => (e instanceof Refused ? inWords(e) : t('error.unreachable'))

  function groupName(w: { tenant: string; group: string }) {
    const g = groups.value.find((x: Group) => x.tenant === w.tenant && x.group === w.group)
    return (g && inWords(g)) || w.group
  }

  function clinicName(w: { tenant: string; clinic: string }) {
    const c = clinics.value.find((x) => x.tenant === w.tenant && x.clinic === w.clinic)
    return (c && inWords(c)) || w.clinic
  }

  const asked = (to: string) => (te(`asked.${to}`) ? t(`asked.${to}`) : to)
  const role = (r: string) => (te(`role.${r}`) ? t(`role.${r}`) : r)

  /** finding is what a row says: of the gravest reasons the first that names what was measured, since a score says it in more words. */
  function finding(w: Warning) {
    const worst = w.reasons[0]
    const r: Reason | undefined = w.reasons.find((x) => x.quantity && x.severity === worst?.severity) ?? worst
    return r ? inWords(r) : t(`problem.${te(`problem.${w.problem}`) ? w.problem : 'fault'}`)
  }

  /** source names where a rule comes from. Titles stay as they were printed; what our own packs say of themselves is a sentence, and is said in the language of the screen. */
  const source = (what: string) => (what.startsWith("Tocsin's own policy") ? t('reason.ours') : what)

  return { t, te, source, span, ago, left, clock, day, quantity, number, value, inWords, why, groupName, clinicName, asked, role, finding }

}

const dates = (language: string, year: boolean) =>
  new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { day: 'numeric', month: 'short', ...(year ? { year: 'numeric' } : {}) })

const formats = new Map<string, Intl.DateTimeFormat>()

function format(language: string, far: 'today' | 'year' | 'ever', seconds: boolean): Intl.DateTimeFormat {
  const key = `${language}${far}${seconds}`
  let f = formats.get(key)
  if (!f) {
    f = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(seconds ? { second: '2-digit' } : {}),
      ...(far === 'today' ? {} : { day: 'numeric', month: 'short' }),
      ...(far === 'ever' ? { year: 'numeric' } : {}),
    })
    formats.set(key, f)
  }
  return f
}

import type { Gap, OnDuty, PolicyBody, RotaBody, RotaPage } from '../api/types'
import { localOf, momentOf } from './zone'

/** One line of who is on duty; without accounts nobody is. */
export interface Turn {
  from: string
  until: string
  accounts: string[]
}

/** turns answers spans and gaps as one list in order, cut to begin now. */
export function turns(spans: OnDuty[], gaps: Gap[], now: number): Turn[] {
  const begin = (at: string) => (Date.parse(at) < now ? new Date(now).toISOString() : at)
  return [...spans, ...gaps.map((g) => ({ ...g, accounts: [] as string[] }))].map((x) => ({ from: begin(x.from), until: x.until, accounts: x.accounts })).sort((a, b) => Date.parse(a.from) - Date.parse(b.from))
}

/** byDay groups them by the day in the zone on which they begin. */
export function byDay(all: Turn[], zone: string): { day: string; turns: Turn[] }[] {
  const days: { day: string; turns: Turn[] }[] = []
  for (const x of all) {
    const day = localOf(Date.parse(x.from), zone).slice(0, 10)
    if (days[days.length - 1]?.day !== day) days.push({ day, turns: [] })
    days[days.length - 1]!.turns.push(x)
  }
  return days
}

/** A rota as it is edited: lists as text, swaps by the clock of the zone. */
export interface RotaDraft {
  zone: string
  shifts: { days: number[]; holidays: boolean; from: string; to: string; accounts: string }[]
  holidays: string
  swaps: { from: string; until: string; accounts: string; why: string }[]
}

const names = (s: string) => s.split(/[\s,，、;；]+/).filter(Boolean)

export function draftOf(r: Pick<RotaPage, 'zone' | 'shifts' | 'holidays' | 'swaps'>): RotaDraft {
  return {
    zone: r.zone,
    shifts: r.shifts.map((s) => ({ days: s.days ?? [], holidays: s.holidays ?? false, from: s.from, to: s.to, accounts: s.accounts.join(', ') })),
    holidays: (r.holidays ?? []).join('\n'),
    swaps: (r.swaps ?? []).map((s) => ({ from: localOf(Date.parse(s.from), r.zone), until: localOf(Date.parse(s.until), r.zone), accounts: s.accounts.join(', '), why: s.why ?? '' })),
  }
}

/** rotaOf answers what is sent. A swap without a moment is sent as one that ends when it begins, and the desk says so at its field. */
export function rotaOf(of: Pick<RotaBody, 'tenant' | 'group' | 'step'>, d: RotaDraft): RotaBody {
  const at = (local: string) => {
    const ms = momentOf(local, d.zone)
    return new Date(Number.isNaN(ms) ? 0 : ms).toISOString()
  }
  return {
    tenant: of.tenant, ...(of.group ? { group: of.group } : {}), step: of.step, zone: d.zone.trim(),
    shifts: d.shifts.map((s) => ({ days: [...s.days].sort((a, b) => a - b), holidays: s.holidays, from: s.from.trim(), to: s.to.trim(), accounts: names(s.accounts) })),
    holidays: names(d.holidays),
    swaps: d.swaps.map((s) => ({ from: at(s.from), until: at(s.until), accounts: names(s.accounts), why: s.why.trim() })),
  }
}

const minute = 60_000

/** The times of a policy, in the order in which they come. */
export const policyTimes = ['care_ms', 'close_ms', 'retry_ms', 'ease_ms', 'shelve_ms'] as const

/** A policy as it is edited: minutes as they are typed. */
export interface PolicyDraft {
  steps: { to: string; minutes: string }[]
  times: Record<(typeof policyTimes)[number], string>
  two: boolean
}

const inMinutes = (ms: number) => String(Math.round((ms / minute) * 100) / 100)
const ms = (minutes: string) => Math.round(Number(minutes.replace(',', '.')) * minute) || 0

export function policyDraft(p: PolicyBody): PolicyDraft {
  return {
    steps: p.steps.map((s) => ({ to: s.to, minutes: inMinutes(s.answer_ms) })),
    times: Object.fromEntries(policyTimes.map((k) => [k, inMinutes(p[k])])) as PolicyDraft['times'],
    two: p.shelve_two ?? false,
  }
}

export function policyOf(of: Pick<PolicyBody, 'tenant' | 'group' | 'severity'>, d: PolicyDraft): PolicyBody {
  return {
    tenant: of.tenant, ...(of.group ? { group: of.group } : {}), severity: of.severity,
    steps: d.steps.map((s) => ({ to: s.to.trim(), answer_ms: ms(s.minutes) })),
    ...(Object.fromEntries(policyTimes.map((k) => [k, ms(d.times[k])])) as Record<(typeof policyTimes)[number], number>),
    shelve_two: d.two,
  }
}

/** The steps that policies usually ask, in the order of asking. */
export const usualSteps = ['nurse', 'doctor-1', 'doctor-2', 'duty-office', 'day-list', 'lead']

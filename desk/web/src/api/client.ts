import type { AuditPage, Brief, Closing, Colleague, Contact, Course, Disowning, Duty, Emergency, FieldFault, Group, Judgement, Leaving, Offer, Opening, PackHead, PackPage, PatientPlan, PersonView, PolicyBody, PolicyPage, Quality, Readings, Reviewing, RotaBody, RotaPage, Row, Session, Shelving, Unjudged, Warning, WarningStory, Worry } from './types'

/** Refused is an answer of the desk that says no: the status, and words for the person who asked. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly zh: string,
    readonly en: string,
    readonly holder = '',
    readonly reason = '',
    readonly faults: FieldFault[] = [],
  ) {
    super(en)
  }
}

/** Unreachable says that no answer came: the request may or may not have been heard, and can be repeated. */
export class Unreachable extends Error {}

// A click waits this long for its answer before the page says that none came.
const patience = 10_000

/** A click's id, made before its first sending so that a repeat gets the first answer. crypto.randomUUID is missing in old browsers and over plain HTTP. */
export function clickId(): string {
  const b = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(b, (n) => n.toString(16).padStart(2, '0')).join('')
}

interface Asking {
  method?: string
  body?: unknown
  key?: string
  was?: string // the version that was looked at
}

async function ask<T>(path: string, { method = 'GET', body, key, was }: Asking = {}): Promise<T> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), patience)
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (key) headers['Idempotency-Key'] = key
  if (was) headers['If-Match'] = was
  try {
    const res = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      signal: stop.signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    if (!res.ok) throw await refusal(res)
    return (res.status === 204 ? undefined : await res.json()) as T
  } catch (e) {
    if (e instanceof Refused) throw e
    throw new Unreachable(String(e))
  } finally {
    clearTimeout(timer)
  }
}

async function refusal(res: Response): Promise<Refused> {
  const p = await res.json().catch(() => ({}))
  const en = p.en || p.detail || p.title || `The desk answered ${res.status}.`
  return new Refused(res.status, p.zh || `预警台答复异常（${res.status}）。`, en, p.holder || '', p.reason || '', p.errors || [])
}

const seg = encodeURIComponent

/** A wish about a warning: what it became is the answer. */
const wish = <B extends object>(verb: string) => (id: string, key: string, body: B) => ask<Warning>(`/v1/warnings/${seg(id)}/${verb}`, { method: 'POST', body, key })

/** A wish about a patient. */
const wishOf = <B extends object, A>(verb: string) => (tenant: string, patient: string, key: string, body: B) =>
  ask<A>(`/v1/patients/${seg(tenant)}/${seg(patient)}/${verb}`, { method: 'POST', body, key })

export const api = {
  session: () => ask<Session>('/v1/session'),
  signIn: (account: string, password: string) =>
    ask<Session>('/v1/session', { method: 'POST', body: { account, password } }),
  signOut: () => ask<void>('/v1/session', { method: 'DELETE' }),
  changePassword: (current: string, password: string) =>
    ask<void>('/v1/session/password', { method: 'POST', body: { current, new: password } }),

  warning: (id: string, asOf?: Date) => ask<WarningStory>(`/v1/warnings/${seg(id)}${asOf ? `?as_of=${asOf.toISOString()}` : ''}`),
  accept: wish<object>('accept'),
  giveBack: wish<{ reason: string }>('return'),
  close: wish<Closing>('close'),
  call: wish<Pick<Contact, 'whom'>>('call'),
  contact: wish<Contact>('contact'),
  offer: wish<Offer>('offer'),
  note: wish<{ text: string }>('note'),
  shelve: wish<Shelving>('shelve'),
  unshelve: wish<object>('unshelve'),
  judge: wish<Judgement>('outcome'),
  colleagues: () => ask<{ colleagues: Colleague[] }>('/v1/colleagues').then((a) => a.colleagues),
  unjudged: () => ask<{ warnings: Unjudged[] }>('/v1/unjudged').then((a) => a.warnings),

  person: (tenant: string, patient: string) => ask<PersonView>(`/v1/patients/${seg(tenant)}/${seg(patient)}/person`),
  brief: (tenant: string, patient: string, warning: string) => ask<Brief>(`/v1/patients/${seg(tenant)}/${seg(patient)}/brief?warning=${seg(warning)}`),

  warn: wishOf<Worry, Warning>('warnings'),
  leave: wishOf<Leaving, unknown>('leave'),
  disown: wishOf<Disowning, unknown>('disown'),
  resume: wishOf<{ note: string }, unknown>('resume'),

  openPatient: (body: Opening) => ask<Emergency>('/v1/emergencies', { method: 'POST', body }),
  emergencies: () => ask<{ emergencies: Emergency[] }>('/v1/emergencies').then((a) => a.emergencies),
  review: (id: string, body: Reviewing) => ask<Emergency>(`/v1/emergencies/${seg(id)}/review`, { method: 'POST', body }),
  audit: (q: { tenant: string; patient: string; account: string; from: Date; after: number }) =>
    ask<AuditPage>(`/v1/audit?tenant=${seg(q.tenant)}&patient=${seg(q.patient)}&account=${seg(q.account)}&from=${q.from.toISOString()}&after=${q.after}`),

  packs: () => ask<{ packs: PackHead[] }>('/v1/packs').then((a) => a.packs),
  pack: (id: string) => ask<PackPage>(`/v1/packs/${seg(id)}`),
  plan: (tenant: string, patient: string) => ask<PatientPlan>(`/v1/patients/${seg(tenant)}/${seg(patient)}/plan`),

  duty: () => ask<Duty>('/v1/duty'),
  setRota: (was: string, body: RotaBody) => ask<RotaPage>('/v1/duty/rota', { method: 'PUT', was, body }),
  setPolicy: (was: string, body: PolicyBody) => ask<PolicyPage>('/v1/duty/policy', { method: 'PUT', was, body }),

  quality: (tenant: string, group: string) => ask<Quality>(`/v1/quality${group ? `?tenant=${seg(tenant)}&group=${seg(group)}` : ''}`),

  groups: () => ask<{ groups: Group[] | null }>('/v1/groups').then((a) => a.groups ?? []),
  board: (tenant: string, group: string) =>
    ask<{ patients: Row[]; left: Row[] }>(`/v1/groups/${seg(tenant)}/${seg(group)}`),
  course: (tenant: string, patient: string, from: Date, to: Date, points: number) =>
    ask<Course>(`/v1/patients/${seg(tenant)}/${seg(patient)}/course?from=${from.toISOString()}&to=${to.toISOString()}&points=${points}`),
  readings: (tenant: string, patient: string, from: Date, to: Date, known?: Date) =>
    ask<Readings>(
      `/v1/patients/${seg(tenant)}/${seg(patient)}/readings?from=${from.toISOString()}&to=${to.toISOString()}${known ? `&known=${known.toISOString()}` : ''}`,
    ),
}

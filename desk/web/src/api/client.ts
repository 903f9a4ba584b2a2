import type { AccountMade, AccountRow, Accounts, Appointing, AuditPage, BacktestJob, Brief, Choosing, Clinic, ClinicBody, Closing, Colleague, Consent, ConsentPage, Consents, Contact, Course, DeviceMade, DevicePage, Disowning, DraftChecked, DraftPage, Duty, Emergency, EnrolledPage, FactorMade, FactorOffer, FieldFault, FoundPage, Group, ImportLine, Judgement, Leaving, Offer, Opening, PackHead, PackPage, PatientPlan, Person, PersonView, PolicyBody, PolicyPage, PushBody, PushView, Quality, Readings, Responsible, Reviewing, RotaBody, RotaPage, Row, Session, Shelving, TeamBody, TeamPage, Teams, TokenMade, Unjudged, Warning, WarningStory, Ways, Withdrawal, Worry } from './types'

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

/** Who wants to know that the desk has locked this session: by itself, or in another window. */
let onLocked = () => {}
export const whenLocked = (f: () => void) => (onLocked = f)

async function refusal(res: Response): Promise<Refused> {
  const p = await res.json().catch(() => ({}))
  if (res.status === 423) onLocked()
  const en = p.en || p.detail || p.title || `The desk answered ${res.status}.`
  return new Refused(res.status, p.zh || `预警台答复异常（${res.status}）。`, en, p.holder || '', p.reason || '', p.errors || [])
}

const seg = encodeURIComponent

/**
 * importFile sends a file as it is, byte by byte, and hands over each line of the answer as it comes; dry changes nothing. It ends with
 * the last line, which says done: an answer that breaks off before is Unreachable, and the same file can be sent again.
 */
async function importFile(file: Blob, dry: boolean, heard: (line: ImportLine) => void): Promise<ImportLine> {
  const res = await fetch(`/v1/admin/import${dry ? '?dry_run=true' : ''}`, { method: 'POST', headers: { 'Content-Type': 'text/csv' }, credentials: 'same-origin', body: file }).catch((e) => {
    throw new Unreachable(String(e))
  })
  if (!res.ok) throw await refusal(res)
  let last: ImportLine | null = null
  const take = (line: string) => {
    if (!line.trim()) return
    last = JSON.parse(line) as ImportLine
    heard(last)
  }
  try {
    const words = new TextDecoder()
    let rest = ''
    for (const reader = res.body!.getReader(); ; ) {
      const { done, value } = await reader.read()
      const lines = (rest + words.decode(value, { stream: !done })).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(take)
      if (done) break
    }
    take(rest)
  } catch (e) {
    throw new Unreachable(String(e))
  }
  const end = last as ImportLine | null
  if (!end?.done && !end?.error) throw new Unreachable('the answer broke off')
  return end
}

/** A wish about a warning: what it became is the answer. */
const wish = <B extends object>(verb: string) => (id: string, key: string, body: B) => ask<Warning>(`/v1/warnings/${seg(id)}/${verb}`, { method: 'POST', body, key })

/** A wish about a patient. */
const wishOf = <B extends object, A>(verb: string) => (tenant: string, patient: string, key: string, body: B) =>
  ask<A>(`/v1/patients/${seg(tenant)}/${seg(patient)}/${verb}`, { method: 'POST', body, key })

export const api = {
  session: () => ask<Session>('/v1/session'),
  signIn: (account: string, password: string) =>
    ask<Session>('/v1/session', { method: 'POST', body: { account, password } }),
  ways: () => ask<Ways>('/v1/session/ways'),
  giveCode: (code: string) => ask<Session>('/v1/session/code', { method: 'POST', body: { code } }),
  signOut: () => ask<void>('/v1/session', { method: 'DELETE' }),
  changePassword: (current: string, password: string) =>
    ask<Session>('/v1/session/password', { method: 'POST', body: { current, new: password } }),
  lock: () => ask<Session>('/v1/session/lock', { method: 'POST' }),
  unlock: (password: string, code: string) => ask<Session>('/v1/session/unlock', { method: 'POST', body: { password, ...(code && { code }) } }),
  here: () => ask<void>('/v1/session/here', { method: 'POST' }),
  offerFactor: (password: string, code: string) => ask<FactorOffer>('/v1/session/factor', { method: 'POST', body: { password, ...(code && { code }) } }),
  confirmFactor: (code: string) => ask<FactorMade>('/v1/session/factor/confirm', { method: 'POST', body: { code } }),

  push: () => ask<PushView>('/v1/session/push'),
  turnOnPush: (body: PushBody) => ask<{ id: string }>('/v1/session/push', { method: 'PUT', body }),
  turnOffPush: (id: string) => ask<void>(`/v1/session/push/${seg(id)}`, { method: 'DELETE' }),

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
  consents: (tenant: string, patient: string) => ask<Consents>(`/v1/patients/${seg(tenant)}/${seg(patient)}/consents`),
  recordConsent: (tenant: string, patient: string, body: Consent) => ask<Consents>(`/v1/patients/${seg(tenant)}/${seg(patient)}/consents`, { method: 'POST', body }),
  withdrawConsent: wishOf<Withdrawal, Consents>('consents/withdraw'),
  consentList: (after: string) => ask<ConsentPage>(`/v1/consents?after=${seg(after)}`),
  teams: () => ask<Teams>('/v1/teams'),
  setTeam: (was: string, body: TeamBody) => ask<TeamPage>('/v1/teams', { method: 'PUT', was, body }),
  responsible: (tenant: string, patient: string) => ask<Responsible>(`/v1/patients/${seg(tenant)}/${seg(patient)}/responsible`),
  choose: (tenant: string, patient: string, body: Choosing) => ask<Responsible>(`/v1/patients/${seg(tenant)}/${seg(patient)}/responsible`, { method: 'PUT', body }),
  disown: wishOf<Disowning, unknown>('disown'),
  resume: wishOf<{ note: string }, unknown>('resume'),

  openPatient: (body: Opening) => ask<Emergency>('/v1/emergencies', { method: 'POST', body }),
  emergencies: () => ask<{ emergencies: Emergency[] }>('/v1/emergencies').then((a) => a.emergencies),
  review: (id: string, body: Reviewing) => ask<Emergency>(`/v1/emergencies/${seg(id)}/review`, { method: 'POST', body }),
  audit: (q: { tenant: string; patient: string; account: string; from: Date; after: number }) =>
    ask<AuditPage>(`/v1/audit?tenant=${seg(q.tenant)}&patient=${seg(q.patient)}&account=${seg(q.account)}&from=${q.from.toISOString()}&after=${q.after}`),

  packs: () => ask<{ packs: PackHead[] }>('/v1/packs').then((a) => a.packs),
  pack: (id: string) => ask<PackPage>(`/v1/packs/${seg(id)}`),
  draft: (id: string) => ask<DraftPage>(`/v1/packs/${seg(id)}/draft`),
  checkDraft: (id: string, text: string) => ask<DraftChecked>(`/v1/packs/${seg(id)}/draft/check`, { method: 'POST', body: { text } }),
  backtests: (id: string) => ask<{ backtests: BacktestJob[] }>(`/v1/packs/${seg(id)}/backtests`).then((a) => a.backtests),
  startBacktest: (id: string, text: string, days: number) => ask<BacktestJob>(`/v1/packs/${seg(id)}/backtests`, { method: 'POST', body: { text, days } }),
  stopBacktest: (id: string, job: string) => ask<void>(`/v1/packs/${seg(id)}/backtests/${seg(job)}`, { method: 'DELETE' }),
  propose: (id: string, body: { text: string; based: string; without?: string }) => ask<void>(`/v1/packs/${seg(id)}/proposal`, { method: 'POST', body }),
  signProposal: (id: string, sum: string) => ask<void>(`/v1/packs/${seg(id)}/proposal/sign`, { method: 'POST', body: { sum } }),
  declineProposal: (id: string, sum: string, why: string) => ask<void>(`/v1/packs/${seg(id)}/proposal/decline`, { method: 'POST', body: { sum, why } }),
  plan: (tenant: string, patient: string) => ask<PatientPlan>(`/v1/patients/${seg(tenant)}/${seg(patient)}/plan`),

  duty: () => ask<Duty>('/v1/duty'),
  setRota: (was: string, body: RotaBody) => ask<RotaPage>('/v1/duty/rota', { method: 'PUT', was, body }),
  setPolicy: (was: string, body: PolicyBody) => ask<PolicyPage>('/v1/duty/policy', { method: 'PUT', was, body }),

  quality: (tenant: string, group: string) => ask<Quality>(`/v1/quality${group ? `?tenant=${seg(tenant)}&group=${seg(group)}` : ''}`),

  accounts: () => ask<Accounts>('/v1/admin/accounts'),
  makeAccount: (account: string, of: Appointing) => ask<AccountMade>('/v1/admin/accounts', { method: 'POST', body: { account, ...of, new: true } }),
  appoint: (account: string, of: Appointing) => ask<AccountRow>(`/v1/admin/accounts/${seg(account)}`, { method: 'PUT', body: of }),
  newPassword: (account: string) => ask<AccountMade>(`/v1/admin/accounts/${seg(account)}/password`, { method: 'POST' }),
  lockAccount: (account: string, locked: boolean, why: string) => ask<AccountRow>(`/v1/admin/accounts/${seg(account)}/lock`, { method: 'POST', body: { locked, why } }),
  makeToken: (name: string, of: Appointing) => ask<TokenMade>('/v1/admin/tokens', { method: 'POST', body: { name, ...of, new: true } }),
  withdrawToken: (name: string) => ask<void>(`/v1/admin/tokens/${seg(name)}`, { method: 'DELETE' }),

  enrolled: (after: string) => ask<EnrolledPage>(`/v1/patients?after=${seg(after)}`),
  findByName: (name: string) => ask<FoundPage>('/v1/patients/search', { method: 'POST', body: { name } }),
  enrol: (tenant: string, patient: string, groups: string[], clinic: string) => ask<void>('/v1/admin/patients', { method: 'POST', body: { tenant, patient, groups, ...(clinic && { clinic }) } }),
  regroup: (tenant: string, patient: string, groups: string[], was: string[]) => ask<void>(`/v1/admin/patients/${seg(tenant)}/${seg(patient)}/groups`, { method: 'PUT', body: { groups, was } }),
  setPerson: (tenant: string, patient: string, version: number, person: Person) => ask<PersonView>(`/v1/patients/${seg(tenant)}/${seg(patient)}/person`, { method: 'PUT', body: { version, person } }),
  devices: (after: string) => ask<DevicePage>(`/v1/devices?after=${seg(after)}`),
  bindDevice: (device: string, tenant: string, patient: string) => ask<DeviceMade>('/v1/admin/devices', { method: 'POST', body: { device, tenant, patient } }),
  renewDevice: (device: string) => ask<DeviceMade>(`/v1/admin/devices/${seg(device)}/credentials`, { method: 'POST' }),
  replaceDevice: (device: string, by: string) => ask<DeviceMade>(`/v1/admin/devices/${seg(device)}/replace`, { method: 'POST', body: { with: by } }),
  revokeDevice: (device: string) => ask<void>(`/v1/admin/devices/${seg(device)}`, { method: 'DELETE' }),
  importFile,

  clinics: () => ask<{ clinics: Clinic[] }>('/v1/clinics').then((a) => a.clinics),
  setClinic: (body: ClinicBody) => ask<Clinic>('/v1/admin/clinics', { method: 'PUT', body: { ...body, zh: body.zh || undefined, en: body.en || undefined } }),
  moveToClinic: (tenant: string, patient: string, clinic: string, was: string) => ask<void>(`/v1/admin/patients/${seg(tenant)}/${seg(patient)}/clinic`, { method: 'PUT', body: { clinic, was } }),
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

import { iso } from './ward.mjs'

// Consents and care teams of the mock, over the patients of its register.

const purposes = ['monitoring', 'sharing', 'research']
const order = ['lead', 'doctor', 'nurse', 'health-manager', 'gp', 'pharmacist']
const no = (code, reason, zh, en) => [code, { reason, zh, en }]

export function newTeams(register, now = Date.now()) {
  const kept = new Map() // lines by patient, the last first
  const chosen = new Map()
  const teams = [
    { version: 't1', tenant: 'demo', group: 'copd', members: [{ account: 'lead-wu', function: 'lead' }, { account: 'dr-lin', function: 'doctor' }, { account: 'nurse-a', function: 'nurse' }, { account: 'hm-he', function: 'health-manager' }], strangers: [] },
    { version: 't1', tenant: 'demo', group: 'diabetes', members: [{ account: 'nurse-b', function: 'nurse' }, { account: 'gp-zhou', function: 'gp' }], strangers: ['gp-zhou'] },
    { version: 'none', tenant: 'demo', group: 'heart-failure', members: [], strangers: [] },
    { version: 'none', tenant: 'south', group: 'copd', members: [], strangers: [] },
  ]
  const key = (p) => `${p.tenant}/${p.patient}`
  const before = (n) => n % 2 === 0 // enrolled before consents were kept

  function linesOf(p) {
    if (!kept.has(key(p))) {
      const n = Number(p.patient.slice(2))
      const given = { at: iso(now - n * 3_600_000), by: 'nurse-a', withdrawn: false, consent: `F-${n}`, purposes: n % 4 === 1 ? ['monitoring'] : ['monitoring', 'sharing'], form: n % 3 ? 'MON-2026' : 'MON-2024', form_version: n % 3 ? '2' : '1', how: n % 3 ? 'paper' : 'carried_over', given_by: 'patient', given_at: iso(now - n * 3_700_000), ...(n % 13 === 1 && { until: iso(now - 86_400_000) }) }
      const gone = { at: iso(now - n * 60_000), by: 'nurse-b', withdrawn: true, consent: '', purposes: n % 14 ? ['sharing'] : ['monitoring', 'sharing'], form: '', form_version: '', how: 'spoken', given_by: '' }
      kept.set(key(p), n % 5 === 0 ? [] : n % 7 === 0 ? [gone, given] : [given])
    }
    return kept.get(key(p))
  }

  function standing(p, purpose) {
    const l = linesOf(p).find((x) => x.purposes.includes(purpose))
    if (!l) return { purpose, state: before(Number(p.patient.slice(2))) && linesOf(p).length === 0 ? 'before_records' : 'none', consent: '' }
    if (l.withdrawn) return { purpose, state: 'withdrawn', consent: '', since: l.at }
    return { purpose, state: l.until && Date.parse(l.until) < Date.now() ? 'expired' : 'given', consent: l.consent, since: l.given_at, ...(l.until && { until: l.until }) }
  }

  const view = (p, care = {}) => ({ purposes: purposes.map((x) => standing(p, x)), lines: linesOf(p), care: { watched: !p.left, reason: '', zh: '', en: '', ...care } })
  function row(p) {
    const gone = linesOf(p).find((l) => l.withdrawn)
    return {
      tenant: p.tenant, patient: p.patient, groups: p.groups, watched: !p.left, purposes: purposes.map((x) => standing(p, x)),
      forms: linesOf(p).filter((l) => !l.withdrawn).map((l) => ({ id: l.consent, form: l.form, version: l.form_version, carried: l.how === 'carried_over' })),
      ...(gone && { withdrew: { at: gone.at, by: gone.by, purposes: gone.purposes } }),
    }
  }

  const team = (tenant, group) => teams.find((x) => x.tenant === tenant && x.group === group)?.members ?? []
  const first = (members) => order.map((f) => members.find((m) => m.function === f)).find(Boolean)?.account ?? ''
  function responsible(p) {
    const c = chosen.get(key(p)) ?? {}
    const owners = p.groups.map((group) => {
      const is = team(p.tenant, group).some((m) => m.account === c.owners?.[group])
      return { group, account: is ? c.owners[group] : first(team(p.tenant, group)), chosen: is, gone: c.owners?.[group] && !is ? c.owners[group] : '' }
    })
    const is = p.groups.some((g) => team(p.tenant, g).some((m) => m.account === c.coordinator))
    return { coordinator: is ? c.coordinator : (owners.find((o) => o.account)?.account ?? ''), chosen: is, gone: c.coordinator && !is ? c.coordinator : '', owners, groups: p.groups.length, why: c.why ?? '', by: c.by ?? '' }
  }
  const toDo = () => register.all().filter((p) => !p.left).flatMap((p) => {
    const r = responsible(p)
    const nobody = r.owners.filter((o) => !o.account).map((o) => o.group)
    const gone = [...new Set([r.gone, ...r.owners.map((o) => o.gone)].filter(Boolean))]
    return r.coordinator && !nobody.length && !gone.length ? [] : [{ tenant: p.tenant, patient: p.patient, group: p.groups[0], nobody, gone, none: !r.coordinator }]
  }).slice(0, 500)

  function set(was, b, me) {
    if (!me.may.team) return no(403, 'role', '当前角色无权进行此操作', 'this role may not do this')
    const i = teams.findIndex((x) => x.tenant === b.tenant && x.group === b.group)
    if (was !== teams[i].version) return no(409, 'changed', '已被他人更改，请查看后重新提交', 'somebody has changed it meanwhile: look at what stands now, and send yours again')
    teams[i] = { ...b, version: `t${Date.now()}`, strangers: [] }
    return [200, teams[i]]
  }

  return {
    overtake: () => (teams[0] = { ...teams[0], version: 't9', members: [{ account: 'nurse-z', function: 'nurse' }] }),
    ask(method, part, url, body, me, was) {
      if (part[1] === 'consents' && !part[2]) {
        const after = url.searchParams.get('after')
        const all = register.all()
        const rest = after ? all.slice(all.findIndex((p) => key(p) === after) + 1) : all
        const rows = rest.slice(0, 100)
        return [200, { patients: rows.map(row), next: rest.length > rows.length ? key(rows.at(-1)) : '' }]
      }
      if (part[1] === 'teams') return method === 'PUT' ? set(was, body, me) : [200, { teams, to_do: toDo() }]
      if (part[1] !== 'patients') return undefined
      const p = register.find(part[2], part[3]) ?? { tenant: part[2], patient: part[3], groups: ['copd'] }
      if (part[4] === 'responsible') {
        if (method === 'PUT') chosen.set(key(p), { ...body, by: me.account })
        return [200, responsible(p)]
      }
      if (part[4] !== 'consents') return undefined
      if (part[5] === 'withdraw') linesOf(p).unshift({ at: iso(Date.now()), by: me.account, withdrawn: true, consent: '', purposes: body.purposes, form: '', form_version: '', how: body.how, given_by: '' })
      else if (method === 'POST' && p.patient === 'P-0010') return no(409, 'taken', '该患者已有此编号的同意书', 'this patient has a consent of this number')
      else if (method === 'POST') linesOf(p).unshift({ ...body, at: iso(Date.now()), by: me.account, withdrawn: false, consent: body.id })
      return [200, view(p)]
    },
  }
}

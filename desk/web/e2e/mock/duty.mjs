// Rotas and policies as the desk has them, held in memory.
const day = 86_400_000
const minute = 60_000
const iso = (t) => new Date(t).toISOString()
const zone = 8 * 60 * minute // Asia/Shanghai

/** The spans of daily shifts for 14 days, and the gaps between them. */
function work(rota, now) {
  const spans = []
  const first = Math.floor((now + zone) / day) * day - zone
  const at = (base, clock) => base + clock.split(':').reduce((m, n) => m * 60 + Number(n), 0) * minute
  for (let d = first - day; d < first + 15 * day; d += day) {
    for (const s of rota.shifts) {
      const [from, to] = [at(d, s.from), at(d, s.to)]
      const weekday = ((Math.floor((d + zone) / day) + 3) % 7) + 1
      if ((s.days ?? []).includes(weekday)) spans.push({ from: iso(from), until: iso(to <= from ? to + day : to), accounts: s.accounts })
    }
  }
  spans.sort((a, b) => (a.from < b.from ? -1 : 1))
  const gaps = []
  const seen = spans.filter((s) => Date.parse(s.until) > now && Date.parse(s.from) < now + 14 * day)
  let end = iso(now)
  for (const s of seen) {
    if (s.from > end) gaps.push({ from: end, until: s.from })
    if (s.until > end) end = s.until
  }
  const current = seen.find((s) => Date.parse(s.from) <= now)
  const next = seen.find((s) => Date.parse(s.from) > now)
  return { ...rota, on_duty: current?.accounts ?? [], ...(next ? { next } : {}), spans: seen, gaps, strangers: rota.shifts.flatMap((s) => s.accounts).filter((a) => a.startsWith('stranger')) }
}

const all = [1, 2, 3, 4, 5, 6, 7]
const step = (to, min) => ({ to, answer_ms: min * minute })

export function newDuty() {
  const rotas = [
    { version: 'r1', tenant: 'demo', group: 'copd', step: 'nurse', zone: 'Asia/Shanghai', shifts: [{ days: all, holidays: true, from: '08:00', to: '18:00', accounts: ['nurse-a', 'nurse-b'] }, { days: [1, 2, 3, 4, 5], holidays: true, from: '18:00', to: '08:00', accounts: ['nurse-c'] }], holidays: ['2026-10-01'], swaps: [] },
    { version: 'r2', tenant: 'demo', step: 'doctor-1', zone: 'Asia/Shanghai', shifts: [{ days: all, holidays: true, from: '00:00', to: '24:00', accounts: ['dr-lin'] }] },
  ]
  const times = { care_ms: 10 * minute, close_ms: 60 * minute, retry_ms: 5 * minute, ease_ms: 10 * minute, shelve_ms: 30 * minute }
  const policies = [
    { version: '2', tenant: 'demo', severity: 'high', steps: [step('nurse', 3), step('doctor-1', 3), step('doctor-2', 3), step('duty-office', 5)], ...times, shelve_two: true },
    { version: 'none', tenant: 'demo', severity: 'medium', steps: [step('nurse', 15), step('doctor-1', 15), step('duty-office', 15)], ...times },
    { version: 'none', tenant: 'demo', severity: 'low', steps: [step('day-list', 720), step('nurse', 240), step('lead', 720)], ...times },
    { version: 'none', tenant: 'demo', severity: 'technical', steps: [step('day-list', 720), step('lead', 720)], ...times },
  ]
  let n = 2
  const same = (a, b) => a.tenant === b.tenant && (a.group ?? '') === (b.group ?? '') && a.step === b.step && a.severity === b.severity
  const fault = (where, zh, en) => ({ where, message: en, zh, en })

  function wrong(kind, b) {
    const faults = []
    if (kind === 'rota') {
      if (b.zone !== 'Asia/Shanghai') faults.push(fault('zone', `时区 "${b.zone}" 无效，应如 Asia/Shanghai`, `zone "${b.zone}" is none such as Asia/Shanghai`))
      b.shifts.forEach((s, i) => {
        for (const k of ['from', 'to']) if (!/^\d\d:\d\d$/.test(s[k])) faults.push(fault(`shifts[${i}].${k}`, `第 ${i + 1} 班："${s[k]}" 不是时刻`, `shift ${i + 1}: "${s[k]}" is no time such as 07:30`))
        if (!s.accounts.length) faults.push(fault(`shifts[${i}].accounts`, `第 ${i + 1} 班没有人员`, `shift ${i + 1} names nobody`))
      })
    } else b.steps.forEach((s, i) => s.answer_ms < 10_000 && faults.push(fault(`steps[${i}].answer_ms`, `第 ${i + 1} 级的应答时限超出范围`, `step ${i + 1} gives ${s.answer_ms} ms to answer`)))
    return faults
  }

  function set(kind, was, b) {
    const list = kind === 'rota' ? rotas : policies
    const faults = wrong(kind, b)
    if (faults.length) return [422, { reason: `bad_${kind}`, zh: kind === 'rota' ? '值班表有误' : '策略有误', en: `the ${kind} is not right`, errors: faults }]
    const i = list.findIndex((x) => same(x, b))
    if (was !== (i < 0 ? 'none' : list[i].version)) return [409, { reason: 'changed', zh: '已被他人更改，请查看后重新提交', en: 'somebody has changed it meanwhile: look at what stands now, and send yours again' }]
    const next = { ...b, version: kind === 'rota' ? `r${++n}` : String((Number(was) || 0) + 1) }
    if (i < 0) list.push(next)
    else list[i] = next
    return [200, kind === 'rota' ? work(next, Date.now()) : next]
  }

  return {
    all: (role) => ({ rotas: rotas.map((r) => work(r, Date.now())), policies, accounts: ['nurse-a', 'nurse-b', 'nurse-c'].map((account) => ({ account, role: 'nurse' })), may_set: ['lead', 'administrator'].includes(role) }),
    set,
    /** Somebody else changes the first of either. */
    overtake: () => {
      rotas[0] = { ...rotas[0], version: `r${++n}`, shifts: [{ days: all, holidays: true, from: '07:00', to: '19:00', accounts: ['nurse-z'] }] }
      policies[0] = { ...policies[0], version: String(Number(policies[0].version) + 7), steps: [step('nurse', 1)] }
    },
  }
}

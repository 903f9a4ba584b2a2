// Packs that are changed at the desk, without a loader behind it: what is typed decides what the mock says of it.
import { iso } from './ward.mjs'

const day = 86_400_000
const sumOf = (text) => [...text].reduce((h, c) => (h * 31n + BigInt(c.codePointAt(0))) & ((1n << 256n) - 1n), 7n).toString(16).padStart(64, '0')

const text = `# Heart failure at home: weight first, then the pressure and what the patient says.
pack: heart-failure
version: 3
zh: 心力衰竭
en: Heart failure
sources:
  esc: {cite: "ESC heart failure guideline and HFA self-care paper (Jaarsma 2021)", evidence: S}
signals:
  weight_kg: {unit: kg, cadence: 24h, grace: 24h, tolerance: 1, source: ours}
  systolic_mmhg: {unit: "mm[Hg]", cadence: 24h, grace: 24h, fresh: 12h, tolerance: 15, source: ours}
  spo2_percent: {unit: "%", fresh: 12h, tolerance: 4, source: ours}
limits:
  - {id: spo2-danger, signal: spo2_percent, at_most: 79, severity: high, danger: true, source: ours, zh: "请立即联系患者，必要时拨打 120", en: "Reach the patient now; call 120 if need be"}
  - {id: systolic-170, signal: systolic_mmhg, above: 170, severity: medium, source: beathf}
rules:
  - {id: weight-day, when: 'rise(weight_kg, "30h") >= kg', params: {kg: {value: 0.907184, unit: kg}}, severity: low, source: beathf}
  - {id: weight-3d, when: 'rise(weight_kg, "72h") > kg', clear: 'rise(weight_kg, "3d") <= 1', params: {kg: {value: 2, unit: kg}}, severity: medium, source: esc}
  - {id: hf-rest, when: breathless_at_rest, severity: high, danger: true, source: ours}
`

const side = (warnings, high, medium, low, real) => ({ warnings, high, medium, low, technical: 1, silence: 4, worsened: 3, failed: 0, judged: 24, true: real, unknown: warnings - 24, per_100_patient_days: (100 * warnings) / 287.5 })

function counted(days, now) {
  return {
    source: 'history', groups: 1, patients: days < 7 ? 2 : 10, patient_days: days < 7 ? 3.2 : 287.5, began: iso(now - Math.min(days, 29) * day), reached: iso(now), within_ms: day,
    in_force: side(41, 6, 22, 12, 13), drafted: side(33, 6, 15, 11, 14), same: 26, earlier: 1, earlier_ms: 2_700_000, later: 4, later_ms: 14_400_000, new: 2, lost: 10, graver: 0, milder: 3,
    rules: [{ rule: 'weight-3d', in_force: 19, drafted: 9 }, { rule: 'news2', in_force: 12, drafted: 12 }, { rule: 'systolic-170', in_force: 8, drafted: 8 }, { rule: 'weight-day', in_force: 2, drafted: 4 }],
  }
}

export function newDrafts() {
  let current = { version: 3, sum: sumOf(text), text }
  let proposed, declined
  let jobs = []
  let able = true
  let hold = false // a backtest goes on until it is let go
  const refused = (reason, zh, en) => [409, { reason, zh, en }]
  const version = (t) => Number(/^version:\s*(\d+)/m.exec(t)?.[1] ?? 0)

  function check(t) {
    const faults = t.split('\n').flatMap((l, i) => (/^limitz/.test(l) ? [{ line: i + 1, column: 1, says: 'a pack has no "limitz"; it may have pack, version, zh, en, limits, rules' }] : /kilograms/.test(l) ? [{ line: i + 1, column: l.indexOf('kilograms') + 1, says: 'kilograms is no unit of weight_kg; want kg' }] : []))
    const ok = { name: 'Two kilograms in three days', text: 'steps:\n  - {at: 1m, give: {weight_kg: 80}, severity: none}', passed: true, faults: [] }
    const strict = /"72h"\) > kg', clear[^\n]*value: 2,/.test(t)
    return { faults, version: faults.length ? 0 : version(t), sum: sumOf(t), changed: t !== current.text, newer: !faults.length && version(t) > current.version, tests: faults.length ? { state: 'none', cases: [] } : { state: strict ? 'passed' : 'failed', cases: [ok, { ...ok, name: 'The gain of three days', passed: strict, faults: strict ? [] : ['weight 82.1 at 72h: severity is none, expected medium'] }] } }
  }

  function settle(now) {
    for (const j of jobs) {
      if (j.state !== 'running') continue
      j.done = Math.min(j.total, j.done + 4000)
      if (hold || now - Date.parse(j.started) < 600) continue
      Object.assign(j, { state: 'done', done: j.total, ended: iso(now), result: counted(j.days, now) })
    }
  }

  function start(t, days, me, now) {
    if (jobs.some((j) => j.state === 'running')) return refused('busy', '已有一项回测在运行', 'a backtest runs already')
    jobs = [{ id: `b${jobs.length}`, pack: 'heart-failure', version: version(t), sum: sumOf(t), against: current.sum, by: me.account, state: 'running', from: iso(now - days * day), to: iso(now), started: iso(now), done: 0, total: 48_210, days }, ...jobs]
    return [200, jobs[0]]
  }

  const fact = (j) => j?.result && { sum: j.sum, against: j.against, at: j.ended, from: j.result.began, to: j.to, source: j.result.source, patients: j.result.patients, patient_days: j.result.patient_days, ...Object.fromEntries(['same', 'earlier', 'later', 'new', 'lost', 'in_force', 'drafted'].map((k) => [k, j.result[k]])) }

  function propose(body, by, now) {
    const j = jobs.find((x) => x.sum === sumOf(body.text) && x.state === 'done')
    if (able && !j) return refused('no_backtest', '请先回测', 'backtest it first')
    if ((j?.result.patient_days ?? 0) < 7 && !body.without) return refused('no_reason', '请说明理由', 'say why')
    declined = undefined
    proposed = { version: version(body.text), at: iso(now), by: [by], sum: sumOf(body.text), needs: 2, text: body.text, draft: { based: current.sum, ...(j ? { backtest: fact(j) } : { fault: 'this desk cannot run backtests' }), ...(body.without ? { without: body.without } : {}) } }
    return [204, {}]
  }

  return {
    /** waits lets somebody propose, as if at another desk. */
    waits(by = 'lead-wu', now = Date.now()) {
      const t = text.replace('version: 3', 'version: 4').replace('value: 2,', 'value: 2.5,')
      start(t, 30, { account: by }, now - 5000)
      settle(now)
      propose({ text: t }, by, now)
    },
    steer: (o) => ((able = o.able ?? able), (hold = o.hold ?? hold)),
    ask(method, part, body, me) {
      if (part[1] !== 'packs' || !['draft', 'backtests', 'proposal'].includes(part[3])) return null
      if (!me.may.draft) return [403, { reason: 'role', zh: '当前角色无权进行此操作', en: 'this role may not do this' }]
      const now = Date.now()
      settle(now)
      if (part[3] === 'draft') return [200, part[4] ? check(body.text) : { current, ...(proposed ? { proposed } : {}), ...(declined ? { declined } : {}), backtest: able }]
      if (part[3] === 'backtests' && method === 'GET') return [200, { backtests: jobs }]
      if (part[3] === 'backtests' && method === 'POST') return start(body.text, body.days, me, now)
      if (part[3] === 'backtests') return jobs.forEach((j) => j.id === part[4] && j.state === 'running' && Object.assign(j, { state: 'stopped', ended: iso(now) })), [204, {}]
      if (!part[4]) return propose(body, me.account, now)
      if (!proposed || proposed.sum !== body.sum) return refused('not_waiting', '等待签署的已不是该文本', 'this text waits for no signature any more')
      if (part[4] === 'decline') {
        declined = { version: proposed.version, sum: proposed.sum, by: me.account, at: iso(now), why: body.why }
        proposed = undefined
        return [204, {}]
      }
      if (proposed.by.includes(me.account)) return refused('needs_second_signer', '请由另一人签署', 'somebody else must sign')
      current = { version: proposed.version, sum: proposed.sum, text: proposed.text }
      proposed = undefined
      return [204, {}]
    },
  }
}

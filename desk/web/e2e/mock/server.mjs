// A small server with the desk's API and nothing behind it, for building and looking at the screens.
//   node e2e/mock/server.mjs [PORT]     (factors.mjs has who has a second factor) sign in as nurse-a, dr-lin, lead-wu or hm-he with "mock", or as new with "mock" to change a password
// POST /mock/{packless,raise,many,stall,flow,flood,watchdog,cut,refuse,serve,signout,reset,shelve,plan,wake,vault,pushless,sso,me,drafts} steers it.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { does, leaving, limits, mayOf, refused, roleOf, verbNames, woken } from './acts.mjs'
import { course } from './course.mjs'
import { newDrafts } from './drafts.mjs'
import { newDuty } from './duty.mjs'
import { barred, begun, steps, told, unnamed } from './factors.mjs'
import { heads, page, plan } from './packs.mjs'
import { brief } from './persons.mjs'
import { quality } from './quality.mjs'
import { newRegister } from './register.mjs'
import { newTeams } from './teams.mjs'
import { groupsNow, iso, patients, readings, story, warnings } from './ward.mjs'

const dist = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../dist')
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

export function start(port = 0) {
  let rows, list, changed, offset, stalled, flooded, refusing, signed, clicks, packless, watchdog, vault, looks, emergencies, duty, pushes, pushOff, sso, lockAfter, me, register, drafts, teams
  const streams = new Set()

  function reset() {
    rows = patients(Date.now())
    list = warnings(Date.now(), rows)
    for (const w of list) tie(w)
    changed = [] // [offset, event, data] for whoever comes back
    offset = 100
    stalled = 0
    flooded = 0
    duty = newDuty()
    register = newRegister()
    drafts = newDrafts()
    teams = newTeams(register)
    refusing = packless = false
    watchdog = undefined
    signed ??= new Map() // a screen that is signed in stays so
    clicks = new Map()
    vault = 'known'
    sso = undefined
    looks = []
    emergencies = []
    pushes = new Map() // account by id
    pushOff = false
    lockAfter = 600_000
    me = { state: 'watched', danger: false, call: '120', line: { zh: '现在有医护人员值守，至 20:00。紧急情况请拨打 120。', en: 'Watched until 20:00. Emergency: 120.' }, advice: { zh: '', en: '' } }
  }
  reset()

  function tie(w) {
    const r = rows.find((x) => x.tenant === w.tenant && x.patient === w.patient)
    if (!r) return
    r.warnings = r.warnings.filter((x) => x.id !== w.id)
    if (!r.left && w.state !== 'closed') r.warnings.unshift({ id: w.id, problem: w.problem, severity: w.severity, state: w.state, owner: w.owner })
    return r
  }

  const status = () => ({ at: iso(Date.now()), data_age_ms: stalled ? Date.now() - stalled : 900, lag: stalled ? 4211 : 0, desks: streams.size, load: { raised: flooded ? 23 : 1, operators: 1, ...(flooded && { flood_since: iso(flooded) }) }, doors: 1, history: 'on', simulated: true, version: 'mock', partitions: [], watchdog: watchdog ?? { state: 'well', faults: [] } })
  const send = (res, event, data) => res.write(`id: p0:${offset}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

  function tell(event, data) {
    offset++
    data.version = offset
    changed.push([offset, event, data])
    for (const s of streams) if (event !== 'patient' || s.group === `${data.tenant}/${data.group}`) sendTo(s, event, data)
  }

  /** A locked screen hears of each warning, and not whose it is. */
  function sendTo(s, event, data) {
    if (!s.me?.locked) send(s, event, data)
    else if (event === 'warning') send(s, event, unnamed(data))
  }

  const snapshot = (s) =>
    send(s, 'snapshot', s.me?.locked
      ? { locked: true, warnings: list.filter((w) => w.state !== 'closed').map(unnamed), rows: [], status: status() }
      : { locked: false, warnings: list.filter((w) => w.state !== 'closed'), rows: rows.filter((r) => !r.left && s.group === `${r.tenant}/${r.group}`), status: status() })

  function change(w) {
    list = [...list.filter((x) => x.id !== w.id), w]
    const r = tie(w)
    tell('warning', w)
    if (r) tell('patient', r)
  }

  const beat = setInterval(() => {
    for (const s of streams) send(s, 'status', status())
  }, 1000)

  function raise(o = {}) {
    const n = list.length + 1
    const r = rows[(n * 5) % rows.length]
    const now = Date.now()
    const severity = o.severity ?? 'high'
    const w = {
      id: `w-${String(n).padStart(4, '0')}`, tenant: r.tenant, patient: r.patient, group: r.group, problem: 'deterioration', episode: 1, state: 'new', severity, peak: severity, danger: false, rule: 'spo2-low', raised_at: iso(now), since: iso(now),
      answer_by: iso(now + (o.left ?? 120_000)), owner: '', level: 0, asked: 'nurse', shelve_ms: limits[severity], eased: false, version: 1,
      reasons: [{ rule: 'spo2-low', severity, quantity: 'spo2_percent', value: 82, unit: '%', measured_at: iso(now - 5000), low: 86, from: 'pack', source: 'RCP NEWS2 2017', zh: `血氧 82 %，低于 86（${n}）`, en: `SpO2 82 %, below 86 (${n})` }],
    }
    return w
  }

  const steer = {
    raise: (o) => change(raise(o)),
    many: ({ n = 500 }) => {
      const all = ['high', 'medium', 'low', 'technical']
      for (let i = 0; i < n; i++) list.push({ ...raise({ severity: all[i % 4], left: 60_000 + i * 7_000 }) })
    },
    stall: (o) => (stalled = Date.now() - (o.ms ?? 40_000)),
    flow: () => (stalled = 0),
    flood: ({ over = false }) => (flooded = over ? 0 : Date.now()),
    watchdog: (o) => (watchdog = o.state ? { faults: [], ...o } : undefined),
    cut: () => streams.forEach((s) => s.destroy()),
    refuse: () => ((refusing = true), streams.forEach((s) => s.destroy())),
    overtake: () => duty.overtake(),
    drafts: (o) => (drafts.steer(o), o.proposedBy && drafts.waits(o.proposedBy)),
    teamed: () => teams.overtake(),
    packless: () => (packless = true),
    register: ({ n = 240 }) => register.fill(n),
    renamed: ({ patient, tenant = 'demo' }) => register.overtake(tenant, patient),
    serve: () => (refusing = false),
    shelve: ({ id, ms = 12 * 60_000, by = 'nurse-b' }) => change({ ...find(id), state: 'shelved', owner: '', since: iso(Date.now()), answer_by: iso(Date.now() + ms), shelf: { by, ...(find(id).peak === 'high' ? { second: 'nurse-c' } : {}), reason: 'a visit is on its way', until: iso(Date.now() + ms) } }),
    plan: ({ id, ms = 3 * 3_600_000 }) => change({ ...find(id), state: 'suppressed', owner: '', planned: '透析 dialysis', answer_by: iso(Date.now() + ms) }),
    wake: ({ id }) => change(woken(find(id), Date.now())),
    pushless: () => (pushOff = true),
    me: (o) => Object.assign(me, o),
    vault: ({ state }) => (vault = state),
    sso: (o) => (sso = o),
    signout: () => (signed.clear(), streams.forEach((s) => s.destroy())),
    emergency: ({ account = 'nurse-b', patient = 'P-0777', ms = 3_600_000 }) => emergencies.push(emergency(account, { tenant: 'demo', patient, reason: '走廊内抽搐 seizure in the corridor' }, ms)),
    idle: ({ account = 'nurse-a' } = {}) => [...signed.values()].filter((m) => m.account === account).forEach((m) => turned(m, true)),
    lockAfter: ({ ms }) => (lockAfter = ms),
    expire: () => emergencies.forEach((e) => (e.until = iso(Date.now() - 1000))),
    reset,
  }

  const emergency = (account, { tenant, patient, reason }, ms) => ({ id: `e-${emergencies.length + 1}`, account, role: roleOf(account), tenant, patient, reason, from: iso(Date.now()), until: iso(Date.now() + ms), open: true })
  function turned(me, locked) {
    me.locked = locked
    for (const s of streams) if (s.me === me) snapshot(s)
  }
  const withOpen = (me) => ({ ...told(me), emergencies: me.locked || me.awaits ? [] : emergencies.filter((e) => e.account === me.account && Date.parse(e.until) > Date.now()) })

  const problem = (res, code, p) => json(res, { title: 'problem', status: code, ...p }, code, 'application/problem+json')
  const json = (res, data, code = 200, type = 'application/json') => {
    res.writeHead(code, { 'Content-Type': type })
    res.end(code === 204 ? undefined : JSON.stringify(data))
  }

  const find = (id) => list.find((x) => x.id === id)

  /** A click is answered once; a repeat of it gets the first answer. */
  function act(res, w, verb, body, me, key) {
    const click = `${me.account}/${verb}/${w.id}/${key}`
    if (clicks.has(click)) return json(res, clicks.get(click))
    const next = does(verb, w, me, body, Date.now())
    if (Array.isArray(next)) return problem(res, 409, refused(...next))
    clicks.set(click, next)
    if (next !== w) change(next)
    json(res, next)
  }

  function warn(res, r, { severity, text }, me) {
    if (r.left) return problem(res, 409, refused('left'))
    if (!text || !['low', 'medium', 'high'].includes(severity)) return problem(res, 409, refused('needs_reason'))
    const now = Date.now()
    const words = `${me.account}: ${text}`
    const w = { ...raise({ severity, left: 180_000 }), tenant: r.tenant, patient: r.patient, group: r.group, problem: 'reported', rule: 'reported', by: me.account, reasons: [{ rule: 'reported', severity, since: iso(now), zh: words, en: words }] }
    change(w)
    json(res, w)
  }

  function leave(res, r, body, me) {
    if (r.left) return problem(res, 409, refused('left'))
    const open = list.filter((w) => w.state !== 'closed' && w.tenant === r.tenant && w.patient === r.patient)
    const no = leaving(open, me, body)
    if (no) return problem(res, 409, refused(...no))
    const now = Date.now()
    r.left = { why: body.why, by: me.account, at: iso(now) }
    for (const w of open) change({ ...w, state: 'closed', closed_at: iso(now), since: iso(now), answer_by: null, outcome: 'left' })
    tell('patient', r)
    json(res, { left: true })
  }

  function resume(res, r, body, me) {
    if (!me.may.act_grave) return problem(res, 409, refused('role'))
    if (!r.left) return problem(res, 409, refused('not_left'))
    delete r.left
    tell('patient', r)
    json(res, { left: false })
  }

  /** What remains is judged anew: here nothing is left of the sign. */
  function disown(res, r, body, me) {
    if (!me.may.act_grave) return problem(res, 403, refused('role'))
    if (!body.why || !body.readings?.length) return problem(res, 409, refused('no_reading'))
    for (const w of list.filter((x) => x.state !== 'closed' && x.tenant === r.tenant && x.patient === r.patient)) {
      const gone = (x) => x.measured_at === body.measured_at && body.readings.some((b) => b.quantity === x.quantity)
      const left = w.reasons.filter((x) => !gone(x))
      change({ ...w, reasons: left.length ? left : w.reasons, eased: left.length === 0 })
    }
    json(res, { disowned: true })
  }

  /** What was known of a warning at a moment: what happened up to then, and in which state that left it. */
  function then(res, w, at) {
    if (Date.parse(w.raised_at) > at) return problem(res, 404, { reason: 'not_yet', zh: '当时尚无此预警', en: 'this warning did not exist yet at that moment' })
    const taken = w.accepted_at && Date.parse(w.accepted_at) <= at
    const s = story(w, Date.now())
    json(res, { ...s, timeline: s.timeline.filter((m) => Date.parse(m.at) <= at), state: taken ? 'accepted' : 'new', owner: taken ? w.owner : '', as_of: iso(at) })
  }

  /** The way to an identity provider, which sends everybody straight back: as its account, or turned away. */
  function away(res, what, q, sid) {
    looks.push(`oidc ${what} ${q}`)
    const to = q.get('unlock') ? '/unlocked' : sso.refuse ? '/sign-in' : (q.get('to') ?? '/queue')
    if (what === 'begin' && !sso.refuse) {
      const id = Math.random().toString(36).slice(2)
      if (q.get('unlock')) signed.delete(sid)
      signed.set(id, { ...begun(sso.account, roleOf(sso.account), mayOf(roleOf(sso.account)), lockAfter), method: 'oidc' })
      res.setHeader('Set-Cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`)
    }
    res.writeHead(303, { Location: what === 'end' ? '/' : `/#${to}${sso.refuse ? `?oidc=${sso.refuse}&to=${encodeURIComponent(q.get('to') ?? '/queue')}` : ''}` })
    res.end()
  }

  const unjudged = () => list.filter((w) => w.state === 'closed' && w.outcome === 'not_known_yet').map((w) => ({ id: w.id, tenant: w.tenant, patient: w.patient, problem: w.problem, severity: w.peak, closed_at: w.closed_at, ask_by: iso(Date.parse(w.closed_at) + 86_400_000) }))

  /** Notices in a browser; the key is of the right form and nobody's. */
  function push(res, method, id, body, me) {
    if (method === 'GET') return json(res, { available: !pushOff, key: pushOff ? '' : 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', browsers: [...pushes].filter(([, a]) => a === me.account).map(([i]) => i) })
    if (method === 'DELETE') return pushes.get(id) === me.account && pushes.delete(id), json(res, {}, 204)
    if (!body.endpoint?.startsWith('https://')) return problem(res, 422, { reason: 'bad_push', zh: '浏览器给出的推送地址不可用', en: 'what the browser says of itself cannot be used' })
    const made = `b${createHash('sha256').update(`tocsin browser\0${body.endpoint}`).digest('hex').slice(0, 24)}`
    pushes.set(made, me.account)
    json(res, { id: made })
  }

  /** The patient's page, as the desk serves it, for app-1 with the code mock. */
  async function own(res, what, who) {
    if (what === 'state') return who === `Basic ${btoa('app-1:mock')}` ? json(res, { ...me, at: iso(Date.now()) }) : problem(res, 401, { zh: '设备编号或口令不正确', en: 'wrong' })
    const name = what === 'page.js' ? 'page.js' : 'page.html'
    res.writeHead(200, { 'Content-Type': types[extname(name)], 'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'" })
    res.end(await readFile(join(dist, '../../me', name)))
  }

  async function handle(req, res) {
    const url = new URL(req.url, 'http://x')
    const part = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
    const sent = ['POST', 'PUT'].includes(req.method) ? await text(req) : ''
    const csv = req.headers['content-type'] === 'text/csv'
    const body = sent && !csv ? JSON.parse(sent) : {}
    if (part[0] === 'mock' && part[1] === 'looks') return json(res, looks)
    if (part[0] === 'mock') return steer[part[1]]?.(body), json(res, {})
    if (refusing) return req.socket.destroy()
    if (part[0] === 'me') return own(res, part[1], req.headers.authorization)
    if (part[0] !== 'v1') return file(res, url.pathname)
    const sid = /sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1]
    const me = signed.get(sid)
    if (part[1] === 'session' && part[2] === 'ways') return json(res, sso ? { oidc: { name: sso.name } } : {})
    if (part[1] === 'oidc') return away(res, part[2], url.searchParams, sid)
    if (part[1] === 'session' && !part[2] && req.method === 'POST') {
      if (body.password !== 'mock') return problem(res, 401, { zh: '账号或密码错误', en: 'account or password is wrong' })
      const id = Math.random().toString(36).slice(2)
      signed.set(id, begun(body.account, roleOf(body.account), mayOf(roleOf(body.account)), lockAfter))
      res.setHeader('Set-Cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`)
      return json(res, withOpen(signed.get(id)))
    }
    if (!me) return problem(res, 401, { zh: '请先登录', en: 'sign in first' })
    const no = barred(me, part, req.method)
    if (no) return problem(res, no.status, no)
    if (part[1] === 'session' && part[2] === 'push') return push(res, req.method, part[3], body, me)
    if (part[1] === 'session' && part[2]) {
      const was = me.locked
      const said = steps[part.slice(2).join('/')]?.(me, body)
      if (said?.status) return problem(res, said.status, said)
      if (me.locked !== was) turned(me, me.locked)
      if (part[2] === 'here') return json(res, {}, 204)
      return json(res, said?.answer ? (typeof said.answer === 'function' ? { ...said.answer(), session: withOpen(me) } : said.answer) : withOpen(me))
    }
    if (part[1] === 'session') {
      if (req.method === 'DELETE') return signed.delete(sid), json(res, {}, 204)
      return json(res, withOpen(me))
    }
    if (part[1] === 'emergencies' && part[3] === 'review') {
      const e = emergencies.find((x) => x.id === part[2])
      e.review = { outcome: body.outcome, note: body.note ?? '', by: me.account, at: iso(Date.now()) }
      return json(res, e)
    }
    if (part[1] === 'emergencies' && req.method === 'POST') {
      if (body.patient === 'P-9999') return problem(res, 404, { zh: '没有这位患者', en: 'there is no such patient' })
      emergencies.push(emergency(me.account, body, body.for_min * 60_000))
      return json(res, emergencies.at(-1))
    }
    if (part[1] === 'emergencies') return json(res, { emergencies })
    if (part[1] === 'audit') {
      const one = (n, o) => ({ id: `a-${n}`, at: iso(Date.now() - n * 60_000), account: 'nurse-b', role: 'nurse', action: 'chart.read', tenant: 'demo', patient: 'P-0113', object: '', purpose: 'care', refused: false, reason: '', from: '10.0.0.7', ...o })
      const after = Number(url.searchParams.get('after'))
      if (after) return json(res, { entries: [one(5, { action: 'session.end', tenant: '', patient: '', purpose: '' })], next: 4, more: false })
      return json(res, { entries: [one(9, {}), one(8, { action: 'emergency.begin', purpose: 'emergency', reason: 'seizure in the corridor' }), one(7, { action: 'getPlan', refused: true, reason: 'relation', account: 'hm-he', role: 'health-manager' })], next: 3, more: true })
    }
    if (part[1] === 'admin' && part[2] === 'import') {
      const [code, lines] = register.importing(sent, url.searchParams.get('dry_run') === 'true')
      if (code !== 200) return problem(res, code, lines)
      res.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
      for (let i = 0; i < lines.length; i += 500) {
        res.write(lines.slice(i, i + 500).map((l) => JSON.stringify(l) + '\n').join(''))
        await new Promise((later) => setTimeout(later, 5))
      }
      return res.end()
    }
    const drafted = drafts.ask(req.method, part, body, me)
    if (drafted) return drafted[0] < 300 ? json(res, drafted[1], drafted[0]) : problem(res, ...drafted)
    const listed = teams.ask(req.method, part, url, body, me, req.headers['if-match']) ?? register.ask(req.method, part, url, body, me)
    if (listed) return listed[0] < 300 ? json(res, listed[1], listed[0]) : problem(res, ...listed)
    if (part[1] === 'patients' && part[4] === 'person') {
      const r = rows.find((x) => x.tenant === part[2] && x.patient === part[3]) ?? register.find(part[2], part[3])
      if (!r) return problem(res, 404, refused('unknown'))
      if (req.method === 'PUT') {
        const [code, data] = register.setPerson(r, vault, body)
        return code === 200 ? json(res, data) : problem(res, code, data)
      }
      looks.push(`${me.account} person ${r.patient}`)
      if (vault === 'not_noted') return problem(res, 503, { reason: 'not_noted', zh: '查阅记录未能写入', en: 'the look could not be noted' })
      return json(res, register.personOf(r, vault))
    }
    if (part[1] === 'warnings' && part[2]) {
      const w = list.find((x) => x.id === part[2])
      if (!w) return problem(res, 404, { zh: '没有这条预警', en: 'there is no such warning' })
      if (part[3] && !verbNames.includes(part[3])) return problem(res, 404, { en: 'not found' })
      return part[3] ? act(res, w, part[3], body, me, req.headers['idempotency-key']) : url.searchParams.get('as_of') ? then(res, w, Date.parse(url.searchParams.get('as_of'))) : json(res, story(w, Date.now()))
    }
    if (part[1] === 'warnings') return json(res, { warnings: list.filter((w) => w.state !== 'closed') })
    if (part[1] === 'duty' && part[2]) {
      const [code, data] = duty.set(part[2], req.headers['if-match'], body)
      return code === 200 ? json(res, data) : problem(res, code, data)
    }
    if (part[1] === 'duty') return json(res, duty.all(me.role))
    if (part[1] === 'quality') return json(res, quality(Date.now(), url.searchParams.get('group') && `${url.searchParams.get('tenant')}/${url.searchParams.get('group')}`))
    if (part[1] === 'colleagues') return json(res, { colleagues: ['doctor-1', 'nurse-2'].map((account) => ({ account, role: account.split('-')[0] })) })
    if (part[1] === 'unjudged') return json(res, { warnings: unjudged() })
    if (part[1] === 'groups' && part[3]) {
      const here = rows.filter((r) => r.tenant === part[2] && r.group === part[3])
      return json(res, { patients: here.filter((r) => !r.left), left: here.filter((r) => r.left) })
    }
    if (part[1] === 'groups') return json(res, { groups: groupsNow(rows, list) })
    if (part[1] === 'packs' && packless) return problem(res, 503, { zh: '正在启动', en: 'still starting' })
    if (part[1] === 'packs' && part[2]) return ['heart-failure', 'copd', 'qsofa'].includes(part[2]) ? json(res, page(part[2], Date.now())) : problem(res, 404, { zh: '没有这个规则包', en: 'there is no such pack' })
    if (part[1] === 'packs') return json(res, { packs: heads(Date.now()) })
    if (part[1] === 'patients' && part[4] === 'brief') {
      const r = rows.find((x) => x.tenant === part[2] && x.patient === part[3])
      if (!r) return problem(res, 404, refused('unknown'))
      looks.push(`${me.account} ${part[4]} ${r.patient}`)
      if (vault === 'not_noted') return problem(res, 503, { reason: 'not_noted', zh: '查阅记录未能写入', en: 'the look could not be noted' })
      const w = list.find((x) => x.id === url.searchParams.get('warning') && x.patient === r.patient)
      return json(res, brief(r, w, vault, groupsNow(rows, list), Date.now()))
    }
    const wish = { warnings: warn, leave, resume, disown }[part[4]]
    if (part[1] === 'patients' && wish) {
      const r = rows.find((x) => x.tenant === part[2] && x.patient === part[3]) ?? register.find(part[2], part[3])
      return r ? wish(res, r, body, me) : problem(res, 404, refused('unknown'))
    }
    if (part[1] === 'patients' && part[4] === 'plan') return packless ? problem(res, 404, { zh: '没有这名患者', en: 'there is no such patient' }) : json(res, plan(part[2], part[3], Date.now()))
    if (part[1] === 'patients' && part[4] === 'course') {
      if (part[3] === 'P-0777') return problem(res, 404, { zh: '没有这位患者，或不在您的管理范围内；紧急情况可申请紧急授权查阅', en: 'there is no such patient, or they are not in your care; in an emergency open them with a reason' })
      return json(res, course(Date.now(), Date.parse(url.searchParams.get('from')), Date.parse(url.searchParams.get('to')), Number(url.searchParams.get('points'))))
    }
    if (part[1] === 'patients') return json(res, { history: 'on', readings: knownAt(url.searchParams.get('known'), readings(rows.find((r) => r.patient === part[3]) ?? {}, Date.parse(url.searchParams.get('from')), Date.parse(url.searchParams.get('to')))) })
    if (part[1] === 'stream') return stream(req, res, url.searchParams.get('group') ?? '', me)
    return problem(res, 404, { en: 'not found' })
  }

  function stream(req, res, group, me) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    res.group = group
    res.me = me
    const after = Number(/p0:(\d+)/.exec(req.headers['last-event-id'] ?? '')?.[1] ?? NaN)
    if (after <= offset && !me.locked) for (const [n, event, data] of changed) n > after && send(res, event, data)
    else snapshot(res)
    send(res, 'status', status())
    streams.add(res)
    res.on('close', () => streams.delete(res))
  }

  const server = createServer((req, res) => handle(req, res).catch((e) => problem(res, 500, { en: String(e) })))
  return new Promise((done) =>
    server.listen(port, '127.0.0.1', () => done({ port: server.address().port, stop: () => (clearInterval(beat), server.closeAllConnections(), server.close()) })),
  )
}

/** What had been received by a moment; a late upload is known from its coming on. */
const knownAt = (at, list) => (at ? list.filter((r) => r.received_at <= at) : list)

async function text(req) {
  let s = ''
  for await (const c of req) s += c
  return s
}

async function file(res, path) {
  const name = normalize(path === '/' ? '/index.html' : path)
  const bytes = await readFile(join(dist, name)).catch(() => null)
  res.writeHead(bytes ? 200 : 404, { 'Content-Type': types[extname(name)] ?? 'text/plain', 'Cache-Control': 'no-store' })
  res.end(bytes ?? 'not found')
}

if (process.argv[1]?.endsWith('server.mjs')) {
  const { port } = await start(Number(process.argv[2] ?? 8099))
  console.log(`mock desk on http://127.0.0.1:${port} (nurse-a / mock)`)
}

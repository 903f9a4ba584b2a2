// A small server with the desk's API and nothing behind it, for building and looking at the screens.
//   node e2e/mock/server.mjs [PORT]     sign in as nurse-a with "mock", or as new with "mock" to change a password
// POST /mock/{packless,raise,many,stall,flow,cut,refuse,serve,signout,reset} steers it.
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { heads, page, plan } from './packs.mjs'
import { groupsNow, iso, patients, readings, story, warnings } from './ward.mjs'

const dist = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../dist')
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const may = { see: true, act: true, act_grave: true, reason: false, admin: false, order_plan: false }

export function start(port = 0) {
  let rows, list, changed, offset, stalled, refusing, signed, clicks, packless
  const streams = new Set()

  function reset() {
    rows = patients(Date.now())
    list = warnings(Date.now(), rows)
    for (const w of list) tie(w)
    changed = [] // [offset, event, data] for whoever comes back
    offset = 100
    stalled = 0
    refusing = packless = false
    signed ??= new Map() // a screen that is signed in stays so
    clicks = new Map()
  }
  reset()

  function tie(w) {
    const r = rows.find((x) => x.tenant === w.tenant && x.patient === w.patient)
    if (!r) return
    r.warnings = r.warnings.filter((x) => x.id !== w.id)
    if (w.state !== 'closed') r.warnings.unshift({ id: w.id, problem: w.problem, severity: w.severity, state: w.state, owner: w.owner })
    return r
  }

  const status = () => ({ at: iso(Date.now()), data_age_ms: stalled ? Date.now() - stalled : 900, lag: stalled ? 4211 : 0, desks: streams.size, doors: 1, history: 'on', simulated: true, version: 'mock', partitions: [] })
  const send = (res, event, data) => res.write(`id: p0:${offset}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

  function tell(event, data) {
    offset++
    data.version = offset
    changed.push([offset, event, data])
    for (const s of streams) if (event !== 'patient' || s.group === `${data.tenant}/${data.group}`) send(s, event, data)
  }

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
      answer_by: iso(now + (o.left ?? 120_000)), owner: '', level: 0, asked: 'nurse', eased: false, version: 1,
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
    cut: () => streams.forEach((s) => s.destroy()),
    refuse: () => ((refusing = true), streams.forEach((s) => s.destroy())),
    packless: () => (packless = true),
    serve: () => (refusing = false),
    signout: () => (signed.clear(), streams.forEach((s) => s.destroy())),
    reset,
  }

  const problem = (res, code, p) => json(res, { title: 'problem', status: code, ...p }, code, 'application/problem+json')
  const json = (res, data, code = 200, type = 'application/json') => {
    res.writeHead(code, { 'Content-Type': type })
    res.end(code === 204 ? undefined : JSON.stringify(data))
  }

  function act(res, w, what, body, me, key) {
    if (clicks.has(key)) return json(res, clicks.get(key))
    const now = Date.now()
    let next
    if (what === 'accept') {
      if (w.owner) return problem(res, 409, { reason: 'already_accepted', holder: w.owner, zh: `${w.owner} 已接手`, en: `${w.owner} has taken it already` })
      next = { ...w, state: 'accepted', owner: me, accepted_at: iso(now), since: iso(now), answer_by: iso(now + 1_800_000) }
    } else if (w.owner !== me) return problem(res, 409, { reason: 'not_yours', holder: w.owner, zh: `由 ${w.owner} 接手`, en: `${w.owner} has it` })
    else if (what === 'return') next = { ...w, state: 'returned', owner: '', was: me, since: iso(now), answer_by: iso(now + 120_000) }
    else if (w.severity === 'high' && !body.contacted) return problem(res, 409, { reason: 'needs_contact', zh: '高优先级须先联系上患者或照护者', en: 'a high warning closes only after a contact' })
    else next = { ...w, state: 'closed', closed_at: iso(now), since: iso(now), answer_by: null, outcome: body.outcome }
    clicks.set(key, next)
    change(next)
    json(res, next)
  }

  async function handle(req, res) {
    const url = new URL(req.url, 'http://x')
    const part = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
    const body = req.method === 'POST' ? JSON.parse((await text(req)) || '{}') : {}
    if (part[0] === 'mock') return steer[part[1]]?.(body), json(res, {})
    if (refusing) return req.socket.destroy()
    if (part[0] !== 'v1') return file(res, url.pathname)
    const sid = /sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1]
    const me = signed.get(sid)
    if (part[1] === 'session' && !part[2] && req.method === 'POST') {
      if (body.password !== 'mock') return problem(res, 401, { zh: '账号或密码错误', en: 'account or password is wrong' })
      const id = Math.random().toString(36).slice(2)
      signed.set(id, { account: body.account, role: 'nurse', must_change: body.account === 'new', may })
      res.setHeader('Set-Cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`)
      return json(res, signed.get(id))
    }
    if (!me) return problem(res, 401, { zh: '请先登录', en: 'sign in first' })
    if (part[1] === 'session') {
      if (part[2] === 'password') return (me.must_change = false), json(res, me)
      if (req.method === 'DELETE') return signed.delete(sid), json(res, {}, 204)
      return json(res, me)
    }
    if (part[1] === 'warnings' && part[2]) {
      const w = list.find((x) => x.id === part[2])
      if (!w) return problem(res, 404, { zh: '没有这条预警', en: 'there is no such warning' })
      return part[3] ? act(res, w, part[3], body, me.account, req.headers['idempotency-key']) : json(res, story(w, Date.now()))
    }
    if (part[1] === 'warnings') return json(res, { warnings: list.filter((w) => w.state !== 'closed') })
    if (part[1] === 'groups' && part[3]) return json(res, { patients: rows.filter((r) => r.tenant === part[2] && r.group === part[3]) })
    if (part[1] === 'groups') return json(res, { groups: groupsNow(rows, list) })
    if (part[1] === 'packs' && packless) return problem(res, 503, { zh: '正在启动', en: 'still starting' })
    if (part[1] === 'packs' && part[2]) return ['heart-failure', 'copd', 'qsofa'].includes(part[2]) ? json(res, page(part[2], Date.now())) : problem(res, 404, { zh: '没有这个规则包', en: 'there is no such pack' })
    if (part[1] === 'packs') return json(res, { packs: heads(Date.now()) })
    if (part[1] === 'patients' && part[4] === 'plan') return packless ? problem(res, 404, { zh: '没有这名患者', en: 'there is no such patient' }) : json(res, plan(part[2], part[3], Date.now()))
    if (part[1] === 'patients') return json(res, { history: 'on', readings: readings(rows.find((r) => r.patient === part[3]) ?? {}, Date.parse(url.searchParams.get('from')), Date.parse(url.searchParams.get('to'))) })
    if (part[1] === 'stream') return stream(req, res, url.searchParams.get('group') ?? '')
    return problem(res, 404, { en: 'not found' })
  }

  function stream(req, res, group) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    res.group = group
    const after = Number(/p0:(\d+)/.exec(req.headers['last-event-id'] ?? '')?.[1] ?? NaN)
    if (after <= offset) {
      for (const [n, event, data] of changed) if (n > after) send(res, event, data)
    } else {
      send(res, 'snapshot', { warnings: list.filter((w) => w.state !== 'closed'), rows: rows.filter((r) => group === `${r.tenant}/${r.group}`), status: status() })
    }
    send(res, 'status', status())
    streams.add(res)
    res.on('close', () => streams.delete(res))
  }

  const server = createServer((req, res) => handle(req, res).catch((e) => problem(res, 500, { en: String(e) })))
  return new Promise((done) =>
    server.listen(port, '127.0.0.1', () => done({ port: server.address().port, stop: () => (clearInterval(beat), server.closeAllConnections(), server.close()) })),
  )
}

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

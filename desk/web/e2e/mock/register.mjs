import { personView } from './persons.mjs'
import { clinics as wardClinics, iso } from './ward.mjs'

// The register of the mock: patients and devices, accounts and tokens, and an import that knows just enough to be tried.

const hospitals = (clinics) => [
  { tenant: 'demo', groups: [{ group: 'copd', zh: '慢阻肺组', en: 'COPD' }, { group: 'heart-failure', zh: '心衰组', en: 'Heart failure' }, { group: 'diabetes', zh: '糖尿病组', en: 'Diabetes' }], clinics },
  { tenant: 'south', groups: [{ group: 'copd', zh: '慢阻肺组', en: 'COPD' }], clinics: [] },
]
const secret = () => Math.random().toString(16).slice(2).padEnd(14, '7') + '4f0c2a9d1e'
const password = () => 'mfzwi-zrdg4-ytcmr-xhe2d'
const no = (code, reason, zh, en, errors) => [code, { reason, zh, en, errors }]
const grants = ['administrator', 'security', 'auditor']

export function newRegister(now = Date.now()) {
  const clinics = wardClinics.map((c) => ({ ...c }))
  const places = hospitals(clinics)
  let patients = []
  let devices = []
  const persons = new Map()
  const accounts = [
    ['admin-a', 'administrator', ['*'], []], ['admin-b', 'administrator', ['*'], []], ['security-a', 'security', ['*'], []], ['auditor-a', 'auditor', ['*'], []], ['lead-wu', 'lead', ['demo'], []],
    ['nurse-a', 'nurse', ['demo'], []], ['nurse-b', 'nurse', [], ['demo/copd', 'south/copd']], ['dr-lin', 'doctor', ['demo'], []], ['hm-he', 'health-manager', [], ['demo/copd']],
  ].map(([account, role, tenants, groups], i) => ({ account, role, tenants, groups, clinics: [], one_time: i === 7, may_change: true, ...(i % 3 === 0 && { last_sign_in: iso(now - (i + 1) * 3_700_000) }) }))
  accounts.find((a) => a.account === 'nurse-b').locked = { why: '已离职 left us', by: 'admin-b', at: iso(now - 86_400_000) }
  let tokens = [{ name: 'his-export', role: 'clinic', tenants: ['demo'], groups: [], clinics: [], may_change: true }, { name: 'watchdog', role: 'watchdog', tenants: ['*'], groups: [], clinics: [], may_change: true }]

  function fill(n) {
    patients = []
    devices = []
    for (let i = 1; i <= n; i++) {
      const id = String(i).padStart(n > 9999 ? 5 : 4, '0')
      const tenant = i % 9 === 0 ? 'south' : 'demo'
      const groups = tenant === 'south' ? ['copd'] : [['copd'], ['heart-failure', 'diabetes'], ['diabetes']][i % 3]
      const worn = i % 11 === 0 ? [] : [`ox-${id}`, ...(i % 4 === 0 ? [`scale-${id}`] : [])]
      const left = i % 29 === 0 ? { at: iso(now - i * 60_000), why: i % 2 ? 'died' : 'discharged' } : undefined
      patients.push({ tenant, patient: `P-${id}`, groups, clinic: tenant === 'demo' ? ['east', 'west', ''][i % 3] : '', devices: worn, named: i % 5 !== 0, ...(left && { left }) })
      worn.forEach((device, j) => devices.push({ device, tenant, patient: `P-${id}`, from: iso(now - i * 5_400_000), ...(i % 23 === 0 ? { revoked: true } : (i + j) % 7 && { heard: iso(now - (i % 40) * 61_000) }) }))
    }
    devices.sort((a, b) => (a.device < b.device ? -1 : 1))
  }
  fill(240)

  const pageOf = (list, name, url, keyOf) => {
    const after = url.searchParams.get('after') ?? ''
    const rest = after ? list.slice(list.findIndex((x) => keyOf(x) === after) + 1) : list
    const rows = rest.slice(0, 10_000)
    return { [name]: rows, next: rest.length > rows.length ? keyOf(rows.at(-1)) : '' }
  }
  const find = (tenant, patient) => patients.find((p) => p.tenant === tenant && p.patient === patient)
  const made = (d) => ({ device: d.device, tenant: d.tenant, patient: d.patient, token: secret() })

  function bind(device, tenant, patient) {
    const p = find(tenant, patient)
    if (!p) return no(404, 'unknown', '没有这位患者，或不在您的管理范围内', 'there is no such patient, or they are not in your care')
    const d = devices.find((x) => x.device === device && !x.revoked)
    if (d) return no(409, 'device_taken', `设备 ${device} 已绑定患者 ${d.patient}；请先注销该设备，再重新绑定`, `device ${device} is bound to patient ${d.patient}; revoke it first, then bind it again`)
    devices = [...devices.filter((x) => x.device !== device), { device, tenant, patient, from: iso(Date.now()) }].sort((a, b) => (a.device < b.device ? -1 : 1))
    p.devices = [...p.devices, device]
    return [200, made({ device, tenant, patient })]
  }

  function revoke(device) {
    const d = devices.find((x) => x.device === device)
    d.revoked = true
    const p = find(d.tenant, d.patient)
    if (p) p.devices = p.devices.filter((x) => x !== device)
  }

  function account(method, id, verb, body, me) {
    const a = accounts.find((x) => x.account === id)
    if (method === 'GET') return [200, { accounts: accounts.map((x) => ({ ...x, may_change: me.role === 'administrator' })), tokens, places, since: iso(now - 7_200_000) }]
    if (me.role !== 'administrator') return no(403, 'role', '当前角色无权进行此操作', 'this role may not do this')
    if (method === 'POST' && !id) {
      if (accounts.some((x) => x.account === body.account)) return no(409, 'taken', '已有同名账号；账号名不重复使用', 'there is an account of this name; a name is never used twice')
      accounts.push({ account: body.account, role: body.role, tenants: body.tenants, groups: body.groups, clinics: body.clinics ?? [], one_time: true, may_change: true })
      return [200, { account: body.account, role: body.role, password: password() }]
    }
    if (verb === 'password') return (a.one_time = true), [200, { account: id, role: a.role, password: password() }]
    if (verb === 'lock') {
      if (id === me.account) return no(409, 'own', '不能停用本人的账号', 'nobody locks their own account')
      if (body.locked) a.locked = { why: body.why, by: me.account, at: iso(Date.now()) }
      else delete a.locked
      return [200, a]
    }
    if (id === me.account && (grants.includes(a.role) && (body.role !== a.role || !body.tenants.includes('*')))) return no(409, 'own', '不能撤销本人的管理员权限；请由另一位管理员操作', 'nobody takes their own administration away: another administrator does')
    return Object.assign(a, { role: body.role, tenants: body.tenants, groups: body.groups, clinics: body.clinics ?? [] }), [200, a]
  }

  /** One line of the answer for each row of which something is to be said, and how it ends. */
  function importing(text, dry) {
    const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
    if (/\ufffd/.test(text)) return no(422, 'csv', '文件有误，未导入任何内容：文件不是 UTF-8 编码（首见于第 2 行），可能是表格软件默认的 GBK／GB18030；请在表格软件中另存为“CSV UTF-8”后再导入', 'the file is not right, and nothing of it was imported: the file is not UTF-8 (first on line 2): it is probably GBK or GB18030, as spreadsheets write it; save it as "CSV UTF-8" and import that')
    const out = []
    const sum = { new: 0, moved: 0, bound: 0, makes: 0, faults: 0, refused: 0, settled: 0 }
    lines.slice(1).forEach((l, i) => {
      if (!l) return
      const row = i + 2
      const [tenant, patient, group, device, token] = l.split(',')
      if (/[+#]/.test(patient)) return sum.faults++, out.push({ row, error: `patient "${patient}" has a + or #, which mean something else in MQTT topics`, zh: `患者 "${patient}" 含有 + 或 #，与 MQTT 主题冲突`, fault: true })
      const d = devices.find((x) => x.device === device && !x.revoked)
      sum.settled++
      if (d && d.patient !== patient) return sum.refused++, out.push({ row, device, error: `device ${device} is bound to patient ${d.patient}; revoke it first, then bind it again`, zh: `设备 ${device} 已绑定患者 ${d.patient}；请先注销该设备，再重新绑定` })
      const p = find(tenant, patient)
      const groups = group.split('+')
      if (!p) sum.new++
      else if (p.groups.join('+') !== group) sum.moved++, dry && out.push({ row, tenant, patient, device, was: p.groups })
      if (device && !d) sum.bound++
      if (device && !d && !token) sum.makes++, dry || out.push({ row, tenant, patient, device, token: secret() })
      if (dry) return
      if (!p) patients.push({ tenant, patient, groups, clinic: '', devices: [], named: false })
      else p.groups = groups
      if (device && !d) bind(device, tenant, patient)
    })
    return [200, [...out, { done: true, ...(dry ? { dry: true, ...sum } : { written: sum.settled, settled: sum.settled, refused: sum.refused }) }]]
  }

  return {
    fill,
    overtake: (tenant, patient) => persons.set(`${tenant}/${patient}`, { version: 99, person: { name: 'Somebody Else 他人' } }),
    importing,
    personOf: (r, state) => {
      const kept = persons.get(`${r.tenant}/${r.patient}`)
      return state === 'known' && kept ? { state, version: kept.version, person: kept.person } : personView(r, state)
    },
    setPerson(r, state, body) {
      if (state === 'off') return no(503, 'vault_off', '本预警台未启用患者资料库', 'this desk has no vault')
      const stands = this.personOf(r, state)
      if (body.version !== stands.version) return no(409, 'changed_meanwhile', '该患者资料已被他人更新，请重新打开后再修改', 'somebody else has changed it meanwhile: look at it again, then change it')
      const errors = []
      const bad = (where) => errors.push({ where, message: 'x', zh: '电话须为 3 至 20 位数字，可含 + - ( ) 和空格', en: 'want a phone number of 3 to 20 digits; + - ( ) and spaces may stand in it' })
      body.person.phones?.forEach((p, i) => /^[-+() \d]{3,}$/.test(p.number) || bad(`phones[${i}].number`))
      body.person.carers?.forEach((c, i) => c.name || errors.push({ where: `carers[${i}].name`, message: 'x', zh: '照护者须有姓名', en: 'a carer needs a name' }))
      if (errors.length) return no(422, 'person', `${errors[0].where}：${errors[0].zh}`, `${errors[0].where}: ${errors[0].en}`, errors)
      persons.set(`${r.tenant}/${r.patient}`, { version: body.version + 1, person: body.person })
      r.named = true
      return [200, this.personOf(r, 'known')]
    },
    all: () => patients,
    find: (tenant, patient) => find(tenant, patient),
    /** What is asked below /v1: an answer as [status, body], or undefined for what is not here. */
    ask(method, part, url, body, me) {
      if (part[1] === 'patients' && !part[2]) return [200, { ...pageOf(me.may.see ? patients : patients.map((p) => (p.left ? { ...p, left: { at: p.left.at } } : p)), 'patients', url, (p) => `${p.tenant}/${p.patient}`), places }]
      if (part[1] === 'patients' && part[2] === 'search') return [200, { found: patients.filter((p) => p.named && `Demo Patient ${p.patient.slice(-2)} 演示患者`.toLowerCase().includes(body.name.toLowerCase())).slice(0, 20).map((p) => ({ tenant: p.tenant, patient: p.patient, name: `Demo Patient ${p.patient.slice(-2)} 演示患者` })), more: patients.length > 20 }]
      if (part[1] === 'devices') return [200, { ...pageOf(devices, 'devices', url, (d) => d.device), since: iso(now - 7_200_000) }]
      if (part[1] === 'clinics') return [200, { clinics: clinics.map((c) => ({ ...c, patients: patients.filter((p) => p.tenant === c.tenant && p.clinic === c.clinic).length })) }]
      if (part[1] !== 'admin') return undefined
      if (part[2] === 'accounts') return account(method, part[3], part[4], body, me)
      if (part[2] === 'tokens' && method === 'DELETE') return (tokens = tokens.filter((x) => x.name !== part[3])), [204, {}]
      if (part[2] === 'tokens') return tokens.push({ name: body.name, role: body.role, tenants: body.tenants, groups: body.groups, clinics: body.clinics ?? [], may_change: true }), [200, { name: body.name, role: body.role, token: secret() }]
      if (part[2] === 'patients' && method === 'POST') {
        if (find(body.tenant, body.patient)) return no(409, 'taken', '该患者已登记；请在名单中打开该患者', 'this patient is enrolled already: open them in the list')
        patients.push({ tenant: body.tenant, patient: body.patient, groups: body.groups, clinic: body.clinic ?? '', devices: [], named: false })
        patients.sort((a, b) => (a.tenant + '/' + a.patient < b.tenant + '/' + b.patient ? -1 : 1))
        return [204, {}]
      }
      if (part[2] === 'clinics') {
        const c = clinics.find((x) => x.tenant === body.tenant && x.clinic === body.clinic)
        if (/\d{7}/.test(`${body.zh ?? ''}${body.en ?? ''}`)) return no(409, 'bad_name', '社区卫生服务中心名称含有长号码；电话请填入患者资料库', 'the name of a clinic holds a long number: telephones belong into the vault, to each patient')
        const set = { tenant: body.tenant, clinic: body.clinic, zh: body.zh ?? body.en, en: body.en ?? body.zh, closed: !!body.closed }
        if (c) Object.assign(c, set)
        else clinics.push(set)
        return [200, { ...set, patients: patients.filter((p) => p.clinic === set.clinic).length }]
      }
      if (part[2] === 'patients' && part[5] === 'clinic') return (find(part[3], part[4]).clinic = body.clinic), [204, {}]
      if (part[2] === 'patients') return (find(part[3], part[4]).groups = body.groups), [204, {}]
      if (part[2] === 'devices' && method === 'DELETE') return revoke(part[3]), [204, {}]
      if (part[2] === 'devices' && part[4] === 'credentials') return [200, made(devices.find((d) => d.device === part[3]))]
      if (part[2] === 'devices' && part[4] === 'replace') {
        const d = devices.find((x) => x.device === part[3])
        const got = bind(body.with, d.tenant, d.patient)
        if (got[0] === 200) revoke(d.device)
        return got
      }
      if (part[2] === 'devices') return bind(body.device, body.tenant, body.patient)
    },
  }
}

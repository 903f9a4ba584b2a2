import { names, weighed } from './packs.mjs'

// A made-up ward as the API would tell it, for looking at the screens without a server.

const minute = 60_000
const hour = 60 * minute
export const iso = (ms) => new Date(ms).toISOString()

const groups = [
  { tenant: 'demo', group: 'copd', zh: '慢阻肺', en: 'COPD' },
  { tenant: 'demo', group: 'heart-failure', zh: '心力衰竭', en: 'Heart failure' },
  { tenant: 'demo', group: 'surgery', zh: '术后居家', en: 'After surgery' },
  { tenant: 'demo', group: 'diabetes', zh: '糖尿病', en: 'Diabetes' },
]

/** The community clinics; P-0113 belongs to the first, and every seventh patient to none. */
export const clinics = [
  { tenant: 'demo', clinic: 'east', zh: '东街社区卫生服务中心', en: 'East Street Clinic', closed: false },
  { tenant: 'demo', clinic: 'west', zh: '西桥社区卫生服务中心', en: 'West Bridge Clinic', closed: false },
  { tenant: 'demo', clinic: 'lake', zh: '湖滨社区卫生服务中心', en: 'Lakeside Clinic', closed: true },
]
export const clinicOf = (i) => (i % 7 === 6 ? '' : ['east', 'west', 'lake'][i % 3])

const policy = {
  id: 'standard', version: 1, care_ms: 30 * minute,
  steps: [{ to: 'nurse', answer_ms: 2 * minute }, { to: 'doctor-1', answer_ms: 2 * minute }, { to: 'doctor-2', answer_ms: 2 * minute }, { to: 'duty-office', answer_ms: 2 * minute }],
}

/** Numbers that are the same in every run, so that pictures can be compared. */
function seeded(seed) {
  let s = seed
  return () => ((s = (s * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff)
}

const base = { spo2_percent: [95, 1.2], pulse_per_min: [76, 5], respiration_per_min: [16, 1.5], systolic_mmhg: [128, 7], temperature_cel: [36.7, 0.2] }

export function patients(now) {
  return Array.from({ length: 40 }, (_, i) => {
    const rnd = seeded(i + 7)
    const g = groups[i % 4]
    const id = `P-0${113 + i * 7}`
    const drift = i === 0 ? -6 : i === 12 ? -3 : 0
    const trend = {}
    const latest = {}
    const qs = g.group === 'heart-failure' ? ['spo2_percent', 'pulse_per_min', 'systolic_mmhg', 'weight_kg'] : g.group === 'surgery' ? ['spo2_percent', 'pulse_per_min', 'temperature_cel', 'systolic_mmhg'] : g.group === 'diabetes' ? ['pulse_per_min', 'systolic_mmhg', 'glucose_mmol_per_l', 'weight_kg'] : ['spo2_percent', 'pulse_per_min', 'respiration_per_min', 'temperature_cel']
    for (const q of qs) {
      const [mid, spread] = base[q] ?? (q === 'weight_kg' ? [68 + i, 0.3] : [7.4, 1.4])
      const start = i % 9 === 4 ? 5 : 0 // these stopped measuring five hours ago
      const points = []
      for (let k = 48; k >= start * 2; k--) {
        if (i % 5 === 0 && k > 18 && k < 25) continue
        const v = mid + (rnd() - 0.5) * 2 * spread + (q === 'spo2_percent' ? drift * Math.max(0, 1 - k / 20) : 0)
        points.push([now - k * 30 * minute - 20_000, Number(v.toFixed(q === 'temperature_cel' || q === 'weight_kg' || q === 'glucose_mmol_per_l' ? 1 : 0))])
      }
      trend[q] = points
      const [t, v] = points[points.length - 1]
      latest[q] = { value: v, mark: i === 6 && q === 'spo2_percent' ? 'unconfirmed' : i === 9 && q === 'pulse_per_min' ? 'low_quality' : '', measured_at: iso(t), clock: i === 8 ? 'corrected' : i === 16 ? 'unsynced' : 'ok', stale: start > 0 }
    }
    const silent = i % 9 === 4 ? qs.map((q) => ({ quantity: q, since: latest[q].measured_at })) : i === 3 ? [{ quantity: 'glucose_mmol_per_l', since: iso(now - 74 * hour) }] : []
    const lower = i === 0 ? 6 : i % 6
    return {
      tenant: g.tenant, patient: id, group: g.group, clinic: clinicOf(i), latest, silent, warnings: [], trend, measures: g.group === 'heart-failure' ? [{ id: 'gain', zh: '三天增重', en: 'Gain in three days', unit: 'kg', ...(i % 3 ? { value: (i % 5) / 2 } : {}) }] : [], order: i + 1, version: 1,
      score: g.group === 'diabetes' ? undefined : { rule: 'news2', lower, upper: lower + 6, band: lower >= 5 ? 'medium' : lower ? 'low' : 'zero', determined: false, missing: g.group === 'copd' ? ['acvpu'] : ['respiration_per_min', 'acvpu'] },
      consent: 'given', why_order_zh: silent.length ? `${silent.length} 项数据中断，已 5 小时` : i === 0 ? '有高优先级预警，血氧两天下降 6' : '无异常，按编号',
      why_order_en: silent.length ? `${silent.length} signals silent for 5 h` : i === 0 ? 'open high warning, SpO₂ fell by 6 in two days' : 'nothing found, by number',
    }
  })
}

const reason = (o) => ({ from: 'pack', source: 'RCP NEWS2 2017', ...o })

export function warnings(now, rows) {
  const row = (i) => rows[i]
  const at = (i, ms) => ({ tenant: row(i).tenant, patient: row(i).patient, group: row(i).group, clinic: row(i).clinic, raised_at: iso(now - ms), since: iso(now - ms) })
  const plain = { problem: 'deterioration', episode: 1, state: 'new', danger: false, owner: '', level: 0, asked: 'nurse', eased: false, version: 1 }
  const list = [
    {
      ...plain, ...at(0, 48_000), id: 'w-0001', severity: 'high', peak: 'high', danger: true, rule: 'own-target-spo2', answer_by: iso(now + 72_000), episode: 4,
      reasons: [
        reason({ rule: 'own-target-spo2', severity: 'high', quantity: 'spo2_percent', value: 84, unit: '%', measured_at: iso(now - 60_000), low: 88, high: 92, from: 'patient', set_by: 'dr-lin', source: 'order of 2026-03-01', zh: '血氧 84 %，低于个体化目标 88–92，连续两次', en: 'SpO2 84 %, below the own target 88–92, twice' }),
        reason({ rule: 'news2', severity: 'medium', zh: 'NEWS2 6–12，呼吸频率与意识未知', en: 'NEWS2 6–12, breathing rate and consciousness unknown' }),
      ],
      score: {
        rule: 'news2', lower: 6, upper: 12, band: 'medium', determined: false, scale: 2, missing: ['respiration_per_min', 'acvpu'],
        parts: [
          { quantity: 'respiration_per_min', known: false, value: 19, measured_at: iso(now - 26 * hour), points: 0, most: 3, stale: true },
          { quantity: 'spo2_percent', known: true, value: 84, measured_at: iso(now - minute), points: 3, most: 3 },
          { quantity: 'supplemental_o2', known: true, value: 1, measured_at: iso(now - 9 * hour), points: 2, most: 2 },
          { quantity: 'systolic_mmhg', known: true, value: 128, measured_at: iso(now - 7 * hour), points: 0, most: 0 },
          { quantity: 'pulse_per_min', known: true, value: 102, measured_at: iso(now - minute), points: 1, most: 1 },
          { quantity: 'acvpu', known: false, points: 0, most: 3 },
          { quantity: 'temperature_cel', known: true, value: 36.6, measured_at: iso(now - 7 * hour), points: 0, most: 0 },
        ],
      },
    },
    {
      ...plain, ...at(1, 9 * minute), id: 'w-0002', severity: 'high', peak: 'high', rule: 'weight-3d', state: 'accepted', owner: 'nurse-b', accepted_at: iso(now - 7 * minute), answer_by: iso(now + 23 * minute),
      reasons: [weighed(now), reason({ rule: 'weight-3d', severity: 'high', quantity: 'weight_kg', value: 71.2, measured_at: iso(now - 10 * minute), high: 70.1, source: 'ESC 2021', zh: '三天体重增加 2.1 kg，平卧气促', en: '+2.1 kg in 3 days, breathless lying down' })],
    },
    {
      ...plain, ...at(2, 3 * minute), id: 'w-0003', severity: 'medium', peak: 'medium', rule: 'temp-high', answer_by: iso(now + 12 * minute),
      reasons: [reason({ rule: 'temp-high', severity: 'medium', quantity: 'temperature_cel', value: 38.6, unit: 'Cel', measured_at: iso(now - 4 * minute), high: 38, zh: '体温 38.6 °C，切口发红（自述）', en: '38.6 °C, wound red (own report)' })],
    },
    {
      ...plain, ...at(4, 40 * minute), id: 'w-0004', severity: 'medium', peak: 'medium', problem: 'silence', rule: 'silence', answer_by: iso(now - 3 * minute), level: 1, asked: 'doctor-1',
      reasons: [reason({ rule: 'silence', severity: 'medium', quantity: 'spo2_percent', since: iso(now - 5 * hour), from: 'group', source: '', zh: '末次血氧 86 % 之后数据中断 5 小时', en: 'stopped measuring after SpO2 86 %, 5 h ago' })],
    },
    {
      ...plain, ...at(3, 2 * hour), id: 'w-0005', severity: 'low', peak: 'low', rule: 'glucose-high', answer_by: iso(now + 5 * hour), eased: true, state: 'returned', was: 'nurse-b',
      reasons: [reason({ rule: 'glucose-high', severity: 'low', quantity: 'glucose_mmol_per_l', value: 14.1, measured_at: iso(now - 2 * hour), high: 13.9, zh: '血糖 14.1 mmol/L，餐后', en: 'glucose 14.1 mmol/L after a meal', unsure: true })],
    },
    {
      ...plain, ...at(13, 25 * minute), id: 'w-0006', severity: 'technical', peak: 'technical', problem: 'fault', rule: 'door_shut', answer_by: iso(now + 2 * hour), tenant: 'demo', patient: 'clinic-9', group: '', clinic: '',
      reasons: [{ rule: 'door_shut', severity: 'technical', zh: '社区 9 号：6 户无数据（网关）', en: 'clinic 9: 6 homes silent (gateway)' }],
    },
  ]
  for (const w of list) w.shelve_ms = { high: 30, medium: 240, low: 1440, technical: 4320 }[w.severity] * minute
  return list
}

export function story(w, now) {
  const at = Date.parse(w.raised_at)
  const timeline = [
    { at: iso(at), type: 'alert.raised', to: 'nurse', text_zh: '发出预警，请护士接手', text_en: 'raised; nurse is asked to take it' },
    ...(w.level > 0 ? [{ at: iso(at + 2 * minute), type: 'alert.escalated', to: 'doctor-1', text_zh: '无人应答，上报一线医生', text_en: 'nobody answered; the first doctor is asked' }] : []),
    ...(w.accepted_at ? [{ at: w.accepted_at, type: 'alert.accepted', by: w.owner, text_zh: `${w.owner} 接手`, text_en: `${w.owner} took it` }] : []),
    ...(w.said ?? []),
    ...(w.closed_at ? [{ at: w.closed_at, type: 'alert.closed', by: w.owner, text_zh: `${w.owner} 结案`, text_en: `${w.owner} closed it` }] : []),
  ]
  const before = w.episode > 1 ? { id: 'w-old', episode: w.episode - 1, severity: 'high', closed_at: iso(now - 12 * 24 * hour), closed_by: 'nurse-c', outcome: 'real', done: 'oxygen raised' } : undefined
  const { said, ...plain } = w
  return { ...plain, timeline, left_out: 0, policy, before, names }
}

/** Readings a minute apart where somebody wears a sensor, with a gap, doubts and a fall at the end. */
export function readings(w, from, to) {
  const list = []
  const rnd = seeded(from % 1000)
  const qs = w.group === 'heart-failure' ? { weight_kg: [69.3, 0.2, 8 * hour], pulse_per_min: [84, 4, 30 * minute], spo2_percent: [94, 1, 30 * minute] } : w.group === 'surgery' ? { temperature_cel: [37.2, 0.3, 2 * hour], pulse_per_min: [88, 5, 30 * minute] } : { spo2_percent: [91, 1.2, 5 * minute], pulse_per_min: [88, 5, 5 * minute], respiration_per_min: [18, 2, 6 * hour], systolic_mmhg: [128, 6, 4 * hour] }
  for (const [q, [mid, spread, every]] of Object.entries(qs)) {
    let k = 0
    for (let t = to - 60_000; t >= from; t -= every, k++) {
      const ago = to - t
      if (every <= 5 * minute && ago > 95 * minute && ago < 140 * minute) continue
      const fall = q === 'spo2_percent' ? -6.5 * Math.max(0, 1 - ago / (3 * hour)) : q === 'pulse_per_min' ? 13 * Math.max(0, 1 - ago / (3 * hour)) : q === 'weight_kg' ? 1.9 * Math.max(0, 1 - ago / (48 * hour)) : 0
      const v = mid + fall + (rnd() - 0.5) * 2 * spread
      const odd = every <= 5 * minute && k === 90
      list.push({ quantity: q, value: Number((odd ? 71 : v).toFixed(q === 'weight_kg' || q === 'temperature_cel' ? 1 : 0)), mark: odd ? 'unconfirmed' : k === 44 && every <= 5 * minute ? 'low_quality' : '', measured_at: iso(t), received_at: iso(t + 1500), clock: k === 60 && every <= 5 * minute ? 'corrected' : 'ok' })
    }
  }
  // Measured while the network was away, and uploaded when it was back.
  if (qs.spo2_percent?.[2] === 5 * minute) list.push({ quantity: 'spo2_percent', value: 87, mark: '', measured_at: iso(to - 120 * minute), received_at: iso(to - 50 * minute), clock: 'ok' })
  return list.sort((a, b) => Date.parse(a.measured_at) - Date.parse(b.measured_at))
}

export function groupsNow(rows, list) {
  return groups.map((g) => {
    const open = { high: 0, medium: 0, low: 0, technical: 0 }
    for (const w of list) if (w.state !== 'closed' && w.tenant === g.tenant && w.group === g.group) open[w.severity]++
    const mine = rows.filter((r) => r.group === g.group)
    return { ...g, patients: mine.length, open, silent: mine.filter((r) => r.silent.length).length }
  })
}

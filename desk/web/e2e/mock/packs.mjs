// Packs and plans as the API would tell them, for looking at the pages without a server.
import { iso } from './ward.mjs'

const hour = 3_600_000
const day = 24 * hour

const tally = (o = {}) => {
  const t = { raised: 0, open: 0, real: 0, usual: 0, measurement: 0, technical: 0, unknown: 0, ...o }
  t.judged = t.real + t.usual + t.measurement + t.technical
  if (t.judged) t.share = t.real / t.judged
  if (t.real) t.wd = t.judged / t.real
  return t
}
const rated = (t, days) => (days >= 7 ? { ...t, per_100_patient_days: (100 * t.raised) / days } : t)

const sources = [
  { id: 'ours', cite: "Tocsin's own policy, to be confirmed by the clinic that uses this pack", evidence: 'P' },
  { id: 'esc', cite: 'ESC heart failure guideline and HFA self-care paper (Jaarsma 2021): more than 2 kg in 3 days; quoted on several pages', evidence: 'S' },
  { id: 'beathf', cite: 'BEAT-HF telemonitoring protocol, Trials 2014;15:124, table 1', evidence: 'R' },
  { id: 'rcp2017', cite: 'Royal College of Physicians: National Early Warning Score (NEWS) 2, London 2017, charts 1 and 4', evidence: 'R' },
]
const limit = (o) => ({ above: false, strict: false, danger: false, unsure: false, readings: 1, margin: 0, on_oxygen: false, source: 'ours', zh: '', en: '', ...o })
const cells = (...list) => list.map(([to, points]) => ({ ...(to === null ? {} : { to }), step: 1, points }))

export function heads(now) {
  return [page('heart-failure', now), page('copd', now), page('qsofa', now)].map(({ id, version, zh, en, published_at, published_by, groups, patients, last_30_days, complete }) => ({ id, version, zh, en, published_at, published_by, groups, patients, last_30_days, complete }))
}

export function page(id, now) {
  const used = id === 'qsofa' ? 0 : 10
  const weeks = [4, 6, 5, 9, 7, 3, 4, 2, 3].map((n, i) => {
    const t = tally({ raised: n, real: Math.floor(n / 2), measurement: i % 2, usual: i % 3 === 0 ? 1 : 0, open: i === 8 ? 1 : 0 })
    const from = now - (9 - i) * 7 * day
    return { from: iso(from), to: iso(from + 7 * day), patient_days: used * 7, all: rated(t, used * 7), rules: [] }
  })
  const none = { from: iso(now - 7 * day), to: iso(now), patient_days: 0, all: tally(), rules: [] }
  const span = (days, t) => (used ? { from: iso(now - days * day), to: iso(now), patient_days: used * days, all: rated(tally(t), used * days), rules: [{ rule: 'weight-3d', ...rated(tally({ raised: 9, real: 6, measurement: 2, open: 1 }), used * days) }, { rule: 'news2', ...rated(tally({ raised: 7, real: 2, usual: 3, unknown: 2 }), used * days) }] } : none)
  return {
    id, version: 3, zh: { 'heart-failure': '心力衰竭', copd: '慢阻肺', qsofa: 'qSOFA（研究用）' }[id], en: { 'heart-failure': 'Heart failure', copd: 'COPD', qsofa: 'qSOFA, for studies' }[id],
    published_at: iso(now - 12 * day), published_by: id === 'heart-failure' ? ['dr-lin', 'dr-wang'] : ['library'], groups: used ? 1 : 0, patients: used, complete: true, last_30_days: used ? rated(tally({ raised: 16, real: 8, measurement: 2, usual: 3, unknown: 2, open: 1 }), 300) : tally(),
    signals: [
      { quantity: 'weight_kg', unit: 'kg', cadence_ms: day, grace_ms: day, fresh_ms: 0, tolerance: 1, source: 'ours' },
      { quantity: 'systolic_mmhg', unit: 'mm[Hg]', cadence_ms: day, grace_ms: day, fresh_ms: 12 * hour, tolerance: 15, source: 'ours' },
      { quantity: 'spo2_percent', unit: '%', cadence_ms: 0, grace_ms: 0, fresh_ms: 12 * hour, tolerance: 4, source: 'ours' },
    ],
    scores: [
      {
        id: 'news2', zh: 'NEWS2', en: 'NEWS2', note_zh: '居家仅作趋势与分诊参考', note_en: 'At home a trend and triage aid', source: 'rcp2017', age_from: 16, months_from: 0, months_to: 0, pregnant: false, beside: false, single: 3,
        parts: [
          { quantity: 'respiration_per_min', tables: [{ scale: 0, oxygen: '', cells: cells([8, 3], [11, 1], [20, 0], [24, 2], [null, 3]) }], rows: [] },
          { quantity: 'spo2_percent', tables: [{ scale: 1, oxygen: '', cells: cells([91, 3], [93, 2], [95, 1], [null, 0]) }, { scale: 2, oxygen: 'oxygen', cells: cells([83, 3], [85, 2], [87, 1], [92, 0], [94, 1], [96, 2], [null, 3]) }], rows: [] },
          { code: 'confused', zh: '新发意识改变', en: 'New confusion', tables: [], rows: [{ when: 'acvpu >= 1', points: 3 }] },
        ],
        bands: [
          { name: 'high', from: 7, single: false, severity: 'high', danger: false, recheck_ms: hour, zh: '立即由具备急救能力的团队评估', en: 'Emergency assessment' },
          { name: 'low_medium', from: 0, single: true, severity: 'low', danger: false, recheck_ms: hour, zh: '请医生评估', en: 'Have a clinician look' },
        ],
        ask: { upper: 7, above: 2, answer_ms: 15 * 60_000, severity: 'medium', signs: ['respiration_per_min', 'acvpu'], source: 'ours' },
      },
    ],
    limits: [
      limit({ id: 'spo2-danger', quantities: ['spo2_percent'], bound: 79, severity: 'high', danger: true, unsure: true, zh: '请立即联系患者，必要时拨打 120', en: 'Reach the patient now; call 120 if need be' }),
      limit({ id: 'systolic-170', quantities: ['systolic_mmhg'], above: true, strict: true, bound: 170, severity: 'medium', source: 'beathf' }),
      limit({ id: 'spo2-92-twice', quantities: ['spo2_percent'], bound: 92, severity: 'high', readings: 2, source: 'ours' }),
    ],
    own_targets: [limit({ id: 'own-low', quantities: ['pulse_per_min', 'systolic_mmhg', 'diastolic_mmhg', 'temperature_cel', 'weight_kg', 'glucose_mmol_per_l', 'acvpu'], bound: 0, severity: 'low' }), limit({ id: 'spo2-own-low-4', quantities: ['spo2_percent'], bound: 4, severity: 'high' })],
    rules: [
      { id: 'weight-day', zh: '一天内体重增加 2 磅或以上：明早复称', en: '2 lb or more in a day: weigh again tomorrow morning', when: 'rise(weight_kg, "30h") >= kg', hold_ms: 0, severity: 'low', danger: false, params: [{ name: 'kg', value: 0.907184, unit: 'kg', zh: '一天增重（2 磅）', en: 'gain in a day (2 lb)' }], needs: [], source: 'beathf' },
      { id: 'weight-3d', zh: '三天内体重增加超过 2 kg：今日联系患者，询问气促和水肿', en: 'More than 2 kg in three days: contact today, ask for breathlessness and swelling', when: 'rise(weight_kg, "72h") > kg', clear: 'rise(weight_kg, "3d") <= 1', hold_ms: 6 * hour, severity: 'medium', danger: false, params: [{ name: 'kg', value: 2, unit: 'kg', zh: '三天增重', en: 'gain in three days' }], needs: ['dry_weight_kg'], source: 'esc' },
      { id: 'hf-rest', zh: '静息时气促：立即联系患者，必要时拨打 120', en: 'Breathless at rest: reach the patient now; call 120 if need be', when: 'breathless_at_rest', hold_ms: 0, severity: 'high', danger: true, params: [], needs: [], source: 'ours' },
    ],
    questions: [{ code: 'breathless_at_rest', yes_no: true, unit: '', fresh_ms: 36 * hour, every_ms: day, zh: '坐着不动也气促吗？', en: 'Short of breath while sitting still?' }],
    facts: [{ name: 'dry_weight_kg', unit: 'kg', zh: '干体重', en: 'Dry weight' }, { name: 'usual_systolic_mmhg', unit: 'mm[Hg]', usual: 130, zh: '平时收缩压', en: 'Usual systolic pressure' }],
    measures: [{ id: 'gain', value: 'rise(weight_kg, "72h")', unit: 'kg', source: 'ours', zh: '三天增重', en: 'Gain in three days' }],
    learn: [{ id: 'weigh', title_zh: '每天称体重', title_en: 'Weigh yourself every day', zh: '每天早晨起床、上过厕所、还没吃早饭时称重。', en: 'Every morning when you get up, before breakfast.', source: 'esc' }],
    silence: { severity: 'low', after_grave: 'medium', repeat_ms: day, source: 'ours' }, sources,
    tests: id === 'qsofa' ? { state: 'none', cases: [] } : {
      state: 'failed',
      cases: [
        { name: 'Two kilograms in three days', text: 'steps:\n  - {at: 1m, give: {weight_kg: 80}, severity: none}\n  - {at: 72h, give: {weight_kg: 82.1}, severity: medium, rules: [weight-3d]}', passed: true, faults: [] },
        { name: 'The limits of BEAT-HF are strict', text: 'steps:\n  - {at: 1m, give: {systolic_mmhg: 170}, severity: medium}', passed: false, faults: ['severity is none, expected medium'] },
      ],
    },
    versions: [3, 2, 1].map((version, i) => ({ version, at: iso(now - (12 + 20 * i) * day), by: i === 2 ? ['library'] : ['dr-lin', 'dr-wang'], sum: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', needs: 2 })),
    ...(id === 'heart-failure' ? { proposed: { version: 4, at: iso(now - hour), by: ['dr-lin'], sum: 'ab', needs: 2 } } : {}),
    used_by: used ? [{ tenant: 'demo', group: id, zh: id === 'copd' ? '慢阻肺' : '心力衰竭', en: id === 'copd' ? 'COPD' : 'Heart failure', patients: 10, changed: 2 }] : [],
    record: { complete: true, since: iso(now - 70 * day), last_7_days: span(7, { raised: 3, real: 2, measurement: 1 }), last_30_days: span(30, { raised: 16, real: 8, measurement: 2, usual: 3, unknown: 2, open: 1 }), weeks: used ? weeks : weeks.map((w) => ({ ...w, patient_days: 0, all: tally() })) },
  }
}

const pack = { from: 'pack' }

export function plan(tenant, patient, now) {
  const bound = (o) => ({ pack: 'heart-failure', above: false, strict: false, danger: false, readings: 1, on_oxygen: false, beaten: false, ...pack, ...o })
  const doctor = { from: 'patient', set_by: 'dr-lin', set_at: iso(now - 3 * day), until: iso(now + 11 * day), why: 'small and frail' }
  return {
    tenant, patient, instead: false,
    groups: [{ group: 'heart-failure', zh: '心力衰竭', en: 'Heart failure', pack: 'heart-failure', pack_zh: '心力衰竭', pack_en: 'Heart failure', version: 3 }, { group: 'copd', zh: '慢阻肺', en: 'COPD', pack: 'copd', pack_zh: '慢阻肺', pack_en: 'COPD', version: 3 }],
    conflicts: [{ quantity: 'systolic_mmhg', packs: ['heart-failure', 'copd'], took: 'heart-failure', blocks: true }, { quantity: 'pulse_per_min', packs: ['heart-failure', 'copd'], took: 'strictest', blocks: false }, { rule: 'news2', packs: ['heart-failure', 'copd'], took: 'heart-failure', blocks: false }],
    missing: [{ name: 'dry_weight_kg', zh: '干体重', en: 'Dry weight', unit: 'kg', usual: false, rules: ['weight-dry'] }],
    facts: [{ name: 'usual_systolic_mmhg', zh: '平时收缩压', en: 'Usual systolic pressure', unit: 'mm[Hg]', value: 130, usual: true, rules: [] }],
    age_years: 71, age_months: 0, pregnant: false, spo2_scale: 2, ordered_by: 'dr-lin', ordered_at: iso(now - 30 * day), targets: [{ quantity: 'spo2_percent', low: 88, high: 92, implied: true }],
    watched: [
      { quantity: 'spo2_percent', every_ms: 8 * hour, every_from: 'group', bounds: [bound({ rule: 'spo2-danger', bound: 79, severity: 'high', danger: true }), bound({ rule: 'spo2-88', bound: 88, strict: true, severity: 'medium', beaten: true, pack: 'copd' })] },
      { quantity: 'systolic_mmhg', every_ms: day, every_from: 'pack', bounds: [bound({ rule: 'systolic-170', above: true, strict: true, bound: 165, severity: 'medium', ...doctor })] },
      { quantity: 'weight_kg', every_ms: day, every_from: 'pack', bounds: [] },
    ],
    rules: [
      { rule: 'weight-3d', pack: 'heart-failure', zh: '三天内体重增加超过 2 kg：今日联系患者', en: 'More than 2 kg in three days: contact today', when: 'rise(weight_kg, "72h") > kg', severity: 'medium', danger: false, waits: false, off: false, params: [{ name: 'kg', zh: '三天增重', en: 'gain in three days', unit: 'kg', value: 1.5, pack_value: 2, ...doctor }] },
      { rule: 'weight-dry', pack: 'heart-failure', zh: '高于干体重', en: 'Above the dry weight', when: 'weight_kg > dry_weight_kg + 2', severity: 'low', danger: false, waits: true, off: false, params: [] },
    ],
    overrides: [{ rule: 'weight-3d', param: 'kg', value: 1.5, off: false, holds: true, ...doctor }, { rule: 'weight-3d', param: 'kg', value: 2.5, off: false, holds: false, from: 'group', set_by: 'lead-a', set_at: iso(now - 60 * day) }],
    measures: [{ id: 'gain', zh: '三天增重', en: 'Gain in three days', unit: 'kg', value: 2.1 }, { id: 'own', zh: '自身体重水平（两周）', en: 'Own weight, of two weeks', unit: 'kg' }],
    chosen: {}, questions: [], names: {},
  }
}

/** The reason of a condition with what it saw. */
export const weighed = (now) => ({
  rule: 'weight-3d', severity: 'high', measured_at: iso(now - 10 * 60_000), from: 'patient', set_by: 'dr-lin', until: iso(now + 11 * day), pack: 'heart-failure', source: sources[1].cite, evidence: 'S', when: 'rise(weight_kg, "72h") > kg && breathless_at_night',
  inputs: [
    { name: 'rise(weight_kg, "3d")', value: 2.1, unit: 'kg', measured_at: iso(now - 10 * 60_000), reading: 'r1' },
    { name: 'kg', value: 1.5, unit: 'kg', from: 'patient', set_by: 'dr-lin' },
    { name: 'breathless_at_night', value: 1, measured_at: iso(now - 10 * 60_000) },
    { name: 'mean(weight_kg, "7d")', unit: 'kg' },
  ],
  zh: '三天内体重增加超过 1.5 kg，夜间气促：今日联系患者', en: 'More than 1.5 kg in three days, woken by breathlessness: contact today',
})

export const names = { 'weight-3d:kg': { zh: '三天增重', en: 'gain in three days' }, breathless_at_night: { zh: '夜里因气促醒来吗？', en: 'Woken at night by shortness of breath?', yes_no: true } }

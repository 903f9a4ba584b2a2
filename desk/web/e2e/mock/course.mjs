// A patient's time axis as the desk answers it: two years with one minute of 71 %, warnings, calls, notices, gaps.
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const iso = (ms) => new Date(ms).toISOString()
const steps = [minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day]

/** When the minute of 71 % was, before now. */
export const fall = 413 * day + 5 * hour + 7 * minute

export function course(now, from, to, points) {
  const every = { spo2_percent: 4 * hour, pulse_per_min: 4 * hour, systolic_mmhg: day, weight_kg: day }
  const mid = { spo2_percent: [95, 2], pulse_per_min: [82, 9], systolic_mmhg: [131, 12], weight_kg: [70.4, 0.6] }
  const away = (t) => (t > now - 300 * day && t < now - 262 * day) || (t > now - 3 * day && t < now - 2.2 * day)
  const wave = (t, k) => Math.sin(t / (k * 3.1 * hour)) * 0.6 + Math.sin(t / (k * 47 * hour)) * 0.4
  const many = (to - from) / (4 * hour) > points
  const step = many ? steps.find((s) => (to - from) / s <= points) ?? 7 * day : 0
  const signals = []
  Object.keys(every).forEach((q, k) => {
    const all = []
    for (let t = Math.ceil(from / every[q]) * every[q] + k * 61_000; t < to; t += every[q]) if (!away(t) && t < now) all.push([t, Number((mid[q][0] + wave(t, k + 1) * mid[q][1]).toFixed(q === 'weight_kg' ? 1 : 0))])
    const low = now - fall
    if (q === 'spo2_percent' && low >= from && low < to) all.push([low, 71])
    all.sort((a, b) => a[0] - b[0])
    if (!step) return signals.push({ quantity: q, doubt: '', points: all })
    const by = new Map()
    for (const [t, v] of all) {
      const slot = Math.floor(t / step)
      const was = by.get(slot) ?? [t, t, v, v]
      by.set(slot, [was[0], t, Math.min(was[2], v), Math.max(was[3], v)])
    }
    signals.push({ quantity: q, doubt: '', points: [...by.values()] })
  })
  const beside = (q, doubt, ago, v) => {
    const t = now - ago
    if (t >= from && t < to) signals.push({ quantity: q, doubt, points: [step ? [t, t, v, v] : [t, v]] })
  }
  beside('spo2_percent', 'unconfirmed', 20 * day, 77)
  beside('weight_kg', 'disowned', 33 * day, 62.1)
  beside('spo2_percent', 'clock', 61 * day, 93)
  const open = (from0, to0) => now - from0 < to && (to0 === null || now - to0 > from)
  const warning = (id, severity, problem, began, ended, zh, en, o = {}) => ({ id, severity, problem, rule: 'spo2-low', raised_at: iso(now - began), ...(ended === null ? {} : { closed_at: iso(now - ended), closed_by: 'nurse-b', outcome: 'real', accepted_by: 'nurse-b' }), zh, en, page: false, began, ended, ...o })
  const warnings = [
    warning('w-71', 'high', 'deterioration', fall - minute, fall - 3 * hour, '血氧 71 %', 'SpO2 71 %'),
    warning('w-s', 'medium', 'silence', 299 * day, 262 * day, '数据中断', 'no data'),
    ...Array.from({ length: 9 }, (_, i) => warning(`w-l${i}`, i % 3 ? 'low' : 'medium', 'deterioration', (170 - i * 9) * day, (169 - i * 9) * day, '评分升高', 'the score rose')),
    warning('w-t', 'technical', 'fault', 50 * day, 49 * day, '设备电量低', 'the battery is low', { outcome: 'technical' }),
    warning('w-0001', 'high', 'deterioration', 48_000, null, '血氧 84 %，低于个体化目标 88–92，连续两次', 'SpO2 84 %, below the own target 88–92, twice', { page: true }),
  ].filter((w) => open(w.began, w.ended)).map(({ began, ended, ...w }) => w)
  const event = (lane, ago, n, zh, en, until = ago, warning) => ({ lane, from: iso(now - ago), to: iso(now - until), n, zh, en, ...(warning ? { warning } : {}) })
  const events = [
    event('care', 700 * day, 1, '入组：copd', 'enrolled: copd'), event('care', 699 * day, 1, '绑定设备 ox-7', 'device ox-7 bound'), event('plan', 690 * day, 1, 'dr-lin：SpO2 目标 88–92', 'dr-lin: SpO2 target 88–92'),
    event('contacts', fall - 20 * minute, 1, 'nurse-b 联系患者：已接通', 'nurse-b called the patient: reached', undefined, 'w-71'), event('notices', fall - 2 * minute, 6, 'carer，sms：已送达', 'carer, sms: delivered', fall - 9 * minute),
    event('plan', 120 * day, 1, '规则包 copd 第 4 版生效', 'version 4 of pack copd took effect'), event('contacts', 33 * day, 1, 'dr-lin 指明读数不属于该患者（体重 62.1），已剔除并重新评估：妻子', 'dr-lin says that weight 62.1 was not this patient’s; judged anew without it: his wife'),
    ...Array.from({ length: 24 }, (_, i) => event('answers', (24 - i) * 25 * day, 1, `CAT：${10 + (i % 9)}；气促：${i % 4 ? '否' : '是'}`, `CAT: ${10 + (i % 9)}; breathless: ${i % 4 ? 'no' : 'yes'}`)),
    event('notices', 40_000, 2, 'nurse-a，push：已送达', 'nurse-a, push: delivered', 30_000, 'w-0001'),
  ].filter((e) => Date.parse(e.from) < to && Date.parse(e.to) >= from).sort((a, b) => (a.from < b.from ? -1 : 1))
  const span = (kind, began, ended, o = {}) => ({ kind, from: iso(now - began), ...(ended === null ? {} : { to: iso(now - ended) }), ...o })
  const spans = [
    span('watched', 700 * day, 520 * day), span('away', 520 * day, 500 * day), span('watched', 500 * day, null), span('silent', 299 * day, 262 * day, { quantity: 'spo2_percent' }), span('silent', 3 * day, 2.2 * day, { quantity: 'spo2_percent' }),
    span('planned', 90 * day, 83 * day, { text: '旅行 travel' }), span('unheard', 40.1 * day, 40 * day, { text: 'gateway' }),
  ].filter((s) => Date.parse(s.from) < to && (!s.to || Date.parse(s.to) > from))
  const scores = [[now - 600 * day, now - 600 * day, 2, 2, 5, 2, 5], [now - fall, now - fall + hour, 3, 9, 12, 4, 7], [now - 170 * day, now - 90 * day, 2, 6, 9, 3, 5], [now - minute, now - minute, 6, 6, 12, 6, 12]].filter((s, i, l) => s[0] < to && (l[i + 1]?.[0] ?? now) >= from)
  return { history: 'on', group: 'copd', from: iso(from), to: iso(to), step_ms: step, signals, scores, warnings, left_out: 0, events, spans }
}

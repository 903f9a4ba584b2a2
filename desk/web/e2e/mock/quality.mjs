// Nine weeks of figures as the desk would count them, for the page of quality.
const week = 7 * 86_400_000
const minute = 60_000

/** Wilson's interval for 95 %. */
function wilson(k, n) {
  const z = 1.96
  const m = k / n + (z * z) / (2 * n)
  const r = z * Math.sqrt(((k / n) * (1 - k / n)) / n + (z * z) / (4 * n * n))
  return [(m - r) / (1 + (z * z) / n), (m + r) / (1 + (z * z) / n)]
}

function line(name, raised, real, others, unknown, open, days, slow = 1) {
  const judged = real + others
  const [low, high] = judged ? wilson(real, judged) : []
  const took = (n, waiting, median) => (n ? { n, waiting, ...(waiting < n ? { median_ms: median * slow, ...(waiting * 9 < n ? { p90_ms: median * slow * 3.2 } : {}) } : {}) } : { n, waiting })
  return {
    name, raised, open, real, usual: Math.floor(others / 2), measurement: Math.ceil(others / 2), technical: 0, unknown, ended: raised - judged - unknown - open, judged,
    ...(judged ? { share: real / judged, share_low: low, share_high: high, ...(real ? { wd: judged / real } : {}) } : {}), ...(days >= 7 ? { per_100_patient_days: (100 * raised) / days } : {}),
    accept: took(raised - open, open, 74_000), contact: took(judged, Math.min(open, 1), 6 * minute), close: took(raised - open, open, 48 * minute),
  }
}

export function quality(now, group) {
  const zone = 480 * minute
  const day = Math.floor((now + zone) / 86_400_000)
  const monday = (day - ((day + 3) % 7)) * 86_400_000 - zone
  const weeks = Array.from({ length: 9 }, (_, i) => {
    const from = monday - (8 - i) * week
    const to = Math.min(from + week, now)
    const days = (group ? 91 : 280) * ((to - from) / week)
    const n = i < 2 ? 0 : 20 + i * 3
    const all = line('', n, Math.floor(n * 0.5), Math.floor(n * 0.3), 2, i === 8 ? 4 : 0, days)
    return {
      from: new Date(from).toISOString(), to: new Date(to).toISOString(), patient_days: days, all,
      severities: n ? [line('high', 6, 5, 1, 0, 0, days, 0.5), line('medium', 14, 7, 5, 1, 1, days, 3), line('low', n - 20, 3, 2, 1, 0, days, 40)] : [],
      groups: n ? [line('demo/copd', 17, 9, 5, 2, 0, 91), line('demo/heart-failure', n - 17, 4, 2, 0, 1, 84)] : [],
      rules: n ? [line('copd/spo2-88', 12, 8, 3, 1, 0, 91), line('heart-failure/weight-3d', 9, 5, 3, 0, 1, 84), line('copd/silence', 6, 0, 0, 0, 1, 3), line('copd/news2', 3, 2, 1, 0, 0, 91)] : [],
      patients: n ? [{ tenant: 'demo', patient: 'P-0113', n: 5 }, { tenant: 'demo', patient: 'P-0027', n: 3 }] : [],
      shelved: n ? [{ reason: 'a visit is on its way', n: 3, back: 1 }] : [],
      load: { piece_ms: 600_000, limit: 10, mean: n ? 0.03 : 0, most: n ? (i === 7 ? 14 : 3) : 0, flood_share: i === 7 ? 0.002 : 0, floods: i === 7 ? [{ from: new Date(from + 3 * 86_400_000).toISOString(), to: new Date(from + 3 * 86_400_000 + 20 * minute).toISOString(), n: 29, operators: 2 }] : [] },
      stale: i === 8 ? 1 : 0, admitted: n ? 1 : 0,
    }
  })
  return { complete: true, since: new Date(monday - 6 * week).toISOString(), zone_min: 480, ...(group ? { group } : {}), weeks }
}

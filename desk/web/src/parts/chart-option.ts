import { believed, domain, lineOf, type Dot, type Doubt, type Stretch } from './series'

// What a chart of readings is made of, as ECharts takes it. ECharts itself is in chart.ts, which is loaded when it is needed.

/** One quantity on its own scale. low and high are the limits that were crossed; own tells that they are this patient's. */
export interface Panel {
  name: string
  unit: string
  usual: [number, number]
  dots: Dot[]
  stretches?: Stretch[] // instead of the line, where readings are too many to be shown each: the dots are those with a doubt
  beyond?: Stretch[] // paler: how far it could have gone, of what is not known
  newest?: string // the last value with its age, said in the head
  tick?: (v: number) => string // what stands at the scale, where a number is a code
  gaps: { from: number; to: number; text: string }[]
  low?: number
  high?: number
  own: boolean
  text: (v: number) => string
}

export interface Around {
  from: number
  to: number
  raised?: number // not when it lay ahead
  known?: number // what is drawn is as known then
  time: (at: number, seconds?: boolean) => string
  words: { raised: string; known: string; target: string; limit: string; range: (low: string, high: string) => string; mark: (d: Doubt) => string }
}

/** px of a panel's drawing, and what stands beside it. */
export const high = 60
export const beside: [number, number] = [44, 14]
/** px from panel to panel, and what stands below the last one. */
export const step = 92
export const foot = 30

export type Greys = Record<'ink' | 'ink2' | 'line' | 'edge' | 'panel' | 'shade', string>

/** Each doubt has its own hollow shape; a triangle is kept for severity. */
const shapes: Record<Doubt, string> = { disowned: 'pin', unconfirmed: 'diamond', low_quality: 'circle', test: 'rect', clock: 'roundRect', clock_corrected: 'roundRect' }

export function option(panels: Panel[], a: Around, g: Greys, fontFamily: string) {
  const font = { color: g.ink2, fontSize: 12, fontFamily }
  const last = panels.length - 1
  return {
    animation: false,
    textStyle: { fontFamily },
    grid: panels.map((_, i) => ({ left: beside[0], right: beside[1], top: 26 + i * step, height: high })),
    xAxis: panels.map((_, i) => ({
      type: 'time', gridIndex: i, min: a.from, max: a.to, axisLine: { lineStyle: { color: g.edge } }, axisTick: { show: i === last }, splitLine: { show: false },
      axisLabel: { show: i === last, ...font, hideOverlap: true, formatter: (t: number) => a.time(t) },
    })),
    yAxis: panels.map((p, i) => {
      const [min, max] = domain(valuesOf(p), p.usual)
      return {
        type: 'value', gridIndex: i, min, max, interval: (max - min) / 2, name: [`${p.name} ${p.unit}`, p.newest].filter(Boolean).join(' · '), nameLocation: 'end', nameGap: 8,
        nameTextStyle: { ...font, color: g.ink, fontWeight: 600, align: 'left', padding: [0, 0, 0, -38] },
        axisLabel: { ...font, ...(p.tick ? { formatter: p.tick } : {}) }, splitLine: { lineStyle: { color: g.line } },
      }
    }),
    tooltip: {
      trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: g.edge } }, backgroundColor: g.panel, borderColor: g.edge, textStyle: { color: g.ink, fontSize: 13 }, confine: true,
      formatter: (items: unknown) => tip(items as Tip[], panels, a),
    },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    series: panels.flatMap((p, i) => [line(p, i, a, g, i === 0), ...(p.beyond ? [ranges(p.beyond, i, g.shade, 3)] : []), ...(p.stretches ? [ranges(p.stretches, i, g.ink, 4)] : []), doubts(p, i, g)]),
  }
}

const valuesOf = (p: Panel) => [...p.dots.map((d) => d.v), ...[...(p.stretches ?? []), ...(p.beyond ?? [])].flatMap((s) => [s.low, s.high])]

/** The least that is drawn of a stretch, in px: one minute of 71 % is seen in two years. */
export const least = 2

/** Stretches are upright bars from least to greatest; nothing leads from one to the next. */
function ranges(stretches: Stretch[], i: number, fill: string, z: number) {
  return {
    type: 'custom', xAxisIndex: i, yAxisIndex: i, z, clip: true, dimensions: ['t', 'end', 'low', 'high'], encode: { x: [0, 1], y: [2, 3] }, data: stretches.map((s) => [s.t, s.end, s.low, s.high]),
    renderItem: (_: unknown, api: { value: (n: number) => number; coord: (at: [number, number]) => [number, number] }) => {
      const [x, bottom] = api.coord([api.value(0), api.value(2)])
      const [right, top] = api.coord([api.value(1), api.value(3)])
      const height = Math.max(least, bottom - top)
      return { type: 'rect', shape: { x, y: (top + bottom - height) / 2, width: Math.max(least, right - x), height }, style: { fill } }
    },
  }
}

function line(p: Panel, i: number, a: Around, g: Greys, named: boolean) {
  const bounds = [p.low, p.high].filter((v): v is number => v !== undefined)
  const upright = (at: number | undefined, formatter: string, type: string) =>
    at === undefined ? [] : [{ xAxis: at, lineStyle: { color: g.ink, width: 2, type }, label: { show: named && formatter !== '', formatter, color: g.ink, fontSize: 12, position: 'end', distance: 4, align: at - a.from > (a.to - a.from) / 2 ? 'right' : 'left' } }]
  return {
    type: 'line', xAxisIndex: i, yAxisIndex: i, data: p.stretches ? [] : lineOf(p.dots), connectNulls: false, showAllSymbol: true, symbol: 'circle', symbolSize: p.dots.length > 100 ? 2.5 : 5,
    lineStyle: { color: g.ink, width: 1.5 }, itemStyle: { color: g.ink }, emphasis: { disabled: true }, z: 4,
    markArea: { silent: true, label: { show: true, color: g.ink2, fontSize: 12, position: 'inside' }, data: [...gapAreas(p, a, g), ...band(p, a, g)] },
    markLine: {
      silent: true, symbol: 'none',
      data: [
        ...upright(a.raised, a.words.raised, 'solid'),
        ...upright(a.known, a.raised !== undefined && Math.abs((a.known ?? 0) - a.raised) < (a.to - a.from) / 5 ? '' : a.words.known, 'dashed'),
        ...bounds.map((v, k) => ({
          yAxis: v, lineStyle: { color: g.ink2, width: 1.5, type: 'dashed' },
          label: { show: k === 0, formatter: `${p.own ? a.words.target : a.words.limit} ${bounds.join('–')}`, position: 'insideStartBottom', color: g.ink2, fontSize: 12 },
        })),
      ],
    },
  }
}

/** A gap is shaded and says how long it is when there is room for the words. */
function gapAreas(p: Panel, a: Around, g: Greys) {
  return p.gaps.map(({ from, to, text }) => [
    { name: to - from > (a.to - a.from) / 7 ? text : '', xAxis: Math.max(from, a.from), itemStyle: { color: g.shade, borderColor: g.edge, borderWidth: 1, borderType: 'dotted' } },
    { xAxis: to },
  ])
}

/** The own target as a band, open to the end of the scale where it has no bound. */
function band(p: Panel, a: Around, g: Greys) {
  if (!p.own) return []
  const [min, max] = domain(valuesOf(p), p.usual)
  return [[{ xAxis: a.from, yAxis: p.low ?? min, itemStyle: { color: g.shade, borderWidth: 0 } }, { xAxis: a.to, yAxis: p.high ?? max }]]
}

/** What is doubted stands beside the line, hollow, with its own shape. */
function doubts(p: Panel, i: number, g: Greys) {
  return {
    type: 'scatter', xAxisIndex: i, yAxisIndex: i, z: 5, emphasis: { disabled: true },
    data: p.dots.filter((d) => d.doubt !== '').map((d) => ({
      value: [d.t, d.v], symbol: shapes[d.doubt as Doubt], symbolSize: believed(d) ? 8 : 11, itemStyle: { color: g.panel, borderColor: g.ink, borderWidth: 2, opacity: 1 },
    })),
  }
}

interface Tip {
  axisIndex: number
  data: [number, number | null] | [number, number, number, number] | { value: [number, number] }
}

function tip(items: Tip[], panels: Panel[], a: Around): string {
  const rows: string[] = []
  let at = 0
  for (const it of items) {
    const [t, v, low, high] = Array.isArray(it.data) ? it.data : it.data.value
    const p = panels[it.axisIndex]
    if (v === null || !p) continue
    at = t
    if (low !== undefined && high !== undefined) {
      rows.push(`${p.name} <b>${low === high ? p.text(low) : a.words.range(p.text(low), p.text(high))}</b>`)
      continue
    }
    const dot = p.dots.find((d) => d.t === t && d.v === v)
    const row = `${p.name} <b>${p.text(v)}</b>${dot?.doubt ? ` (${a.words.mark(dot.doubt)})` : ''}`
    if (!rows.includes(row)) rows.push(row)
  }
  return rows.length ? `${a.time(at, true)}<br>${rows.join('<br>')}` : ''
}

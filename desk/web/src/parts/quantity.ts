/** How a quantity is shown: its unit as people write it, its decimals, and the span of values on which every patient is drawn alike. */
export interface Shown {
  unit: string
  decimals: number
  span: [number, number]
  /** Where people differ more than they change, the span is this much to both sides of their own usual value. */
  around?: number
}

const shown: Record<string, Shown> = {
  spo2_percent: { unit: '%', decimals: 0, span: [80, 100] },
  pulse_per_min: { unit: '/min', decimals: 0, span: [40, 140] },
  respiration_per_min: { unit: '/min', decimals: 0, span: [8, 32] },
  systolic_mmhg: { unit: 'mmHg', decimals: 0, span: [80, 200] },
  diastolic_mmhg: { unit: 'mmHg', decimals: 0, span: [40, 120] },
  temperature_cel: { unit: '°C', decimals: 1, span: [35, 40] },
  weight_kg: { unit: 'kg', decimals: 1, span: [40, 120], around: 4 },
  glucose_mmol_per_l: { unit: 'mmol/L', decimals: 1, span: [2, 20] },
  peak_flow_l_per_min: { unit: 'L/min', decimals: 0, span: [60, 600] },
  ketone_mmol_per_l: { unit: 'mmol/L', decimals: 1, span: [0, 6] },
  sensor_glucose_mmol_per_l: { unit: 'mmol/L', decimals: 1, span: [2, 20] },
  mean_pressure_mmhg: { unit: 'mmHg', decimals: 0, span: [50, 140] },
  o2_flow_l_per_min: { unit: 'L/min', decimals: 1, span: [0, 10] },
  fio2_percent: { unit: '%', decimals: 0, span: [20, 100] },
  capillary_refill_s: { unit: 's', decimals: 1, span: [0, 6] },
  urine_ml_per_h: { unit: 'mL/h', decimals: 0, span: [0, 200] },
  steps_per_day: { unit: '/d', decimals: 0, span: [0, 10_000] },
  pain_nrs: { unit: '/10', decimals: 0, span: [0, 10] },
  ultrafiltration_ml_per_day: { unit: 'mL/d', decimals: 0, span: [0, 2000] },
}

/** codes are quantities that are words and no numbers: they are not drawn as lines. */
export const codes = new Set(['acvpu', 'supplemental_o2', 'respiratory_distress'])

/** order is how people read vital signs aloud. */
export const order = [
  'spo2_percent',
  'supplemental_o2',
  'o2_flow_l_per_min',
  'fio2_percent',
  'respiration_per_min',
  'respiratory_distress',
  'pulse_per_min',
  'systolic_mmhg',
  'diastolic_mmhg',
  'mean_pressure_mmhg',
  'capillary_refill_s',
  'temperature_cel',
  'acvpu',
  'weight_kg',
  'glucose_mmol_per_l',
  'sensor_glucose_mmol_per_l',
  'ketone_mmol_per_l',
  'peak_flow_l_per_min',
  'urine_ml_per_h',
  'ultrafiltration_ml_per_day',
  'pain_nrs',
  'steps_per_day',
]

export const inOrder = (qs: Iterable<string>) =>
  [...qs].sort((a, b) => place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0))

const place = (q: string) => (order.indexOf(q) + 1 || order.length + 1)

export const shownAs = (q: string): Shown => shown[q] ?? { unit: '', decimals: 2, span: [0, 100] }

/** spanOfScale is the scale on which values are drawn: the same for everyone, or as wide for everyone around their own median. */
export function spanOfScale(q: string, values: number[]): [number, number] {
  const { span, around } = shownAs(q)
  if (!around || values.length === 0) return span
  const middle = Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!)
  return [middle - around, middle + around]
}

/** scaleText says the scale in a column's head. */
export const scaleText = (q: string) => (shownAs(q).around ? `± ${shownAs(q).around}` : shownAs(q).span.join('–'))

/** valueText writes a value with the decimals of its quantity, never fewer than it was measured with. */
export function valueText(q: string, v: number): string {
  const fixed = v.toFixed(shownAs(q).decimals)
  return Math.abs(Number(fixed) - v) > 1e-9 ? String(v) : fixed
}

/** distressWord is how hard somebody breathes, as a carer or nurse sees it. */
export const distressWord = (v: number) => ['none', 'mild', 'moderate', 'severe'][v]

/** acvpuLetter is the letter of a code of consciousness. */
export const acvpuLetter = (v: number) => 'ACVPU'[v] ?? '?'

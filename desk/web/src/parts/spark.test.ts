import { describe, expect, it } from 'vitest'
import { direction, sparkOf } from './spark'
import { scaleText, spanOfScale, valueText } from './quantity'

const frame = { span: [80, 100] as [number, number], from: 0, to: 100 * 60_000, width: 100, height: 23 }

describe('a small trend', () => {
  it('lies on the common scale, and what is beyond it on its edge', () => {
    const s = sparkOf([[0, 100], [60_000, 80], [120_000, 60]], frame)
    expect(s.path).toBe('M0 1.5L1 21.5L2 21.5')
    expect(s.last).toEqual([2, 21.5])
  })
  it('is broken at a gap', () => {
    const points = Array.from({ length: 20 }, (_, i): [number, number] => [(i < 10 ? i : i + 40) * 60_000, 90])
    expect(sparkOf(points, frame).path.match(/M/g)).toHaveLength(2)
  })
  it('leaves out what was before the common time', () => expect(sparkOf([[-5, 90]], frame)).toEqual({ path: '', lone: [], last: null }))
})

it('says where a trend goes only when it goes far enough', () => {
  const rise = Array.from({ length: 9 }, (_, i): [number, number] => [i, 85 + i])
  expect(direction(rise, [80, 100])).toBe('rising')
  expect(direction(rise.map(([t, v]) => [t, -v]), [80, 100])).toBe('falling')
  expect(direction(rise, [0, 1000])).toBe('steady')
})

describe('values', () => {
  it('keep their decimals, and never lose one', () => {
    expect(valueText('temperature_cel', 38)).toBe('38.0')
    expect(valueText('spo2_percent', 91)).toBe('91')
    expect(valueText('spo2_percent', 91.4)).toBe('91.4')
  })
  it('weight is drawn as wide for everyone, around each one’s own', () => {
    expect(spanOfScale('weight_kg', [70.2, 69.8, 72])).toEqual([66, 74])
    expect(scaleText('weight_kg')).toBe('± 4')
    expect(spanOfScale('spo2_percent', [70])).toEqual([80, 100])
  })
})

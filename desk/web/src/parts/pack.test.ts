import { describe, expect, it, vi } from 'vitest'
import type { Input } from '../api/types'
import { barOf, called, inputName, inputValue, measureText, shareText, sign, top, unitText, whole } from './pack'

vi.stubGlobal('navigator', { language: 'en' })
const { useSay } = await import('./say')
const { speak } = await import('../words')
vi.stubGlobal('document', { documentElement: {} })
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })

const names = { 'weight-3d:kg': { zh: '三天增重', en: 'gain in three days' }, breathless: { zh: '气促吗？', en: 'Breathless?', yes_no: true } }

describe('a pack in words', () => {
  it('writes units as people do', () => {
    expect(['mm[Hg]', 'Cel', '{score}', '{steps}/d', 'mmol/L', '/min'].map(unitText)).toEqual(['mmHg', '°C', '', '/d', 'mmol/L', '/min'])
  })

  it('says whether the bound itself breaches', () => {
    expect([sign({ above: true, strict: true }), sign({ above: true, strict: false }), sign({ above: false, strict: true }), sign({ above: false, strict: false })]).toEqual(['>', '≥', '<', '≤'])
  })

  it('reads a call of a window function, and nothing else', () => {
    expect(called('rise(weight_kg, "3d")')).toEqual({ fn: 'rise', of: 'weight_kg', ms: 259_200_000 })
    expect(called('cusum_up(weight_kg, baseline(weight_kg, "14d"), 0.5, "7d")')?.fn).toBe('cusum_up')
    expect(called('previous(weight_kg)')).toEqual({ fn: 'previous', of: 'weight_kg', ms: null })
    expect(called('weight_kg')).toBeNull()
    expect(called('rise(weight_kg, "3d") - 2')).toBeNull()
  })

  it('names what a condition saw in both languages; what has no words stays as it was written', () => {
    const say = useSay()
    speak('en')
    expect(inputName(say, 'rise(weight_kg, "3d")', names)).toBe('Weight: rise within 3 d')
    expect(inputName(say, 'kg', names, 'weight-3d')).toBe('gain in three days')
    expect(inputName(say, 'spo2_percent', names)).toBe('SpO₂')
    expect(inputName(say, 'mystery(weight_kg)', names)).toBe('mystery(weight_kg)')
    speak('zh')
    expect(inputName(say, 'rise(weight_kg, "3d")', names)).toBe('体重 3 天内上升')
    expect(inputName(say, 'breathless', names)).toBe('气促吗？')
    speak('en')
  })

  it('says what is not known, never 0', () => {
    const say = useSay()
    speak('en')
    const input = (o: Partial<Input>) => ({ name: 'weight_kg', ...o }) as Input
    expect(inputValue(say, input({}), names)).toBe('not known')
    expect(inputValue(say, input({ value: 0, unit: 'kg' }), names)).toBe('0\u00a0kg')
    expect(inputValue(say, input({ value: 2.6000001, unit: 'mm[Hg]' }), names)).toBe('2.6\u00a0mmHg')
    expect(inputValue(say, input({ name: 'breathless', value: 1 }), names)).toBe('yes')
    expect(whole(say, 12 * 3_600_000)).toBe('12 h')
    expect(whole(say, 7 * 86_400_000)).toBe('7 d')
  })

  it('draws true, not true and not known yet, on a scale that no bar leaves', () => {
    const t = { real: 3, usual: 1, measurement: 2, technical: 1, open: 2, unknown: 1 }
    expect(barOf(t)).toEqual({ real: 3, no: 4, open: 3 })
    expect(top([barOf(t)])).toBe(10)
    expect(top([{ real: 11, no: 0, open: 0 }])).toBe(20)
    expect(top([])).toBe(1)
    expect(shareText(2 / 3)).toBe('67 %')
    expect([148.83, 66.42, 2.333, 0].map(measureText)).toEqual(['149', '66.4', '2.33', '0'])
  })
})

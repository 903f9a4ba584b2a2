import { describe, expect, it } from 'vitest'
import type { Quality, QualityLine } from '../api/types'
import { chosen, rate, real, took } from './quality'

const t = (key: string, o: Record<string, unknown> = {}) => `${key} ${JSON.stringify(o)}`
const line = (o: Partial<QualityLine>) => ({ name: '', raised: 0, judged: 0, real: 0, ...o }) as QualityLine

describe('RUL-14 the words of quality', () => {
  it('a share is never told without what it is of and its interval', () => {
    expect(real(t, line({ share: 2 / 3, real: 2, judged: 3, share_low: 0.2077, share_high: 0.9385 }))).toBe('quality.real ' + JSON.stringify({ p: '67 %', real: 2, n: 3, span: 'quality.interval ' + JSON.stringify({ low: '21 %', high: '94 %' }) }))
    expect(real(t, line({}))).toBe('quality.noneJudged {}')
    expect(rate(t, line({}))).toBe('quality.noRate {}')
  })

  it('a median that those who wait could still move is a dash, and says how many wait', () => {
    expect(took(t, String, { n: 3, waiting: 4, p90_ms: undefined })).toEqual({ text: 'quality.took {"median":"–","p90":"–"}', of: 'quality.tookWaiting {"n":3,"waiting":4}' })
    expect(took(t, String, { n: 0, waiting: 0 })).toEqual({ text: '–', of: '' })
  })

  it('the last whole week with a warning is shown first', () => {
    const weeks = ['a', 'b', 'c', 'd'].map((from) => ({ from, all: line({ raised: from === 'b' ? 3 : 0 }) }))
    expect(chosen({ weeks } as Quality)).toBe('b')
    expect(chosen({ weeks: [weeks[0], weeks[3]] } as Quality)).toBe('d')
  })
})

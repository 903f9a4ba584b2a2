import { expect, test } from 'vitest'
import type { Warning } from '../api/types'
import { measurings } from './disown'

test('ALR-22 what a warning rests on, by moment, each reading once', () => {
  const w = {
    reasons: [
      { rule: 'spo2-88', quantity: 'spo2_percent', value: 80, measured_at: '2026-01-01T03:04:00.000Z' },
      { rule: 'news2', measured_at: '2026-01-01T03:04:00.000Z' },
      { rule: 'pulse', quantity: 'pulse_per_min', value: 131, measured_at: '2026-01-01T02:00:00.000Z' },
    ],
    score: { parts: [{ quantity: 'spo2_percent', value: 80, measured_at: '2026-01-01T03:04:00.000Z' }, { quantity: 'acvpu' }, { quantity: 'temperature_cel', value: 36.5, measured_at: '2026-01-01T03:04:00.000Z' }] },
  } as unknown as Warning
  expect(measurings(w)).toEqual([
    { at: '2026-01-01T03:04:00.000Z', readings: [{ quantity: 'spo2_percent', value: 80 }, { quantity: 'temperature_cel', value: 36.5 }] },
    { at: '2026-01-01T02:00:00.000Z', readings: [{ quantity: 'pulse_per_min', value: 131 }] },
  ])
})

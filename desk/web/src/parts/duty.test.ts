import { describe, expect, it } from 'vitest'
import { byDay, draftOf, policyDraft, policyOf, rotaOf, turns } from './duty'

const rota = {
  tenant: 'demo', group: 'copd', step: 'nurse', zone: 'Asia/Shanghai',
  shifts: [{ days: [1, 2], holidays: true, from: '18:00', to: '08:00', accounts: ['nurse-a', 'nurse-b'] }],
  holidays: ['2026-10-01'], swaps: [{ from: '2026-10-02T04:00:00.000Z', until: '2026-10-02T06:00:00.000Z', accounts: ['nurse-c'], why: 'ill' }],
}

describe('ALR-10 rotas and policies as they are edited', () => {
  it('what is not touched is sent as it stood, on a screen in any zone', () => {
    expect(rotaOf(rota, draftOf(rota))).toEqual(rota)
    expect(draftOf(rota).swaps[0]!.from).toBe('2026-10-02T12:00')
  })

  it('names are parted by what people part them with', () => {
    const d = draftOf(rota)
    d.shifts[0]!.accounts = ' nurse-a，nurse-b、nurse-c; '
    expect(rotaOf(rota, d).shifts[0]!.accounts).toEqual(['nurse-a', 'nurse-b', 'nurse-c'])
  })

  it('gaps stand among the turns, by the day of the hospital', () => {
    const now = Date.parse('2026-11-02T14:00:00Z')
    const all = turns([{ from: '2026-11-02T10:00:00Z', until: '2026-11-03T00:00:00Z', accounts: ['nurse-a'] }], [{ from: '2026-11-03T00:00:00Z', until: '2026-11-03T10:00:00Z' }], now)
    expect(all.map((x) => x.accounts)).toEqual([['nurse-a'], []])
    expect(all[0]!.from).toBe('2026-11-02T14:00:00.000Z')
    expect(byDay(all, 'Asia/Shanghai').map((d) => d.day)).toEqual(['2026-11-02', '2026-11-03'])
  })

  it('a policy is edited in minutes, and what is no number is refused and not guessed', () => {
    const p = { tenant: 'demo', severity: 'high' as const, steps: [{ to: 'nurse', answer_ms: 90_000 }], care_ms: 600_000, close_ms: 3_600_000, retry_ms: 300_000, ease_ms: 600_000, shelve_ms: 1_800_000, shelve_two: true }
    expect(policyOf(p, policyDraft(p))).toEqual(p)
    const d = policyDraft(p)
    d.steps[0]!.minutes = 'soon'
    expect(policyOf(p, d).steps[0]!.answer_ms).toBe(0)
  })
})

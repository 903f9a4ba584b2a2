import { describe, expect, it } from 'vitest'
import { begun, lineOf, per100 } from './draft'

describe('draft', () => {
  it('begins with the next version and changes nothing else', () => {
    expect(begun('pack: copd\nversion: 2\n# version: 2\n', 2)).toBe('pack: copd\nversion: 3\n# version: 2\n')
    expect(begun('version: 21\n', 2)).toBe('version: 21\n')
  })
  it('finds the line of a rule', () => {
    const text = 'limits:\n  - {id: spo2-88-twice, below: 88}\n  - {id: spo2-88, below: 88}\nscores:\n  news2:\n    parts: []\n'
    expect(lineOf(text, 'spo2-88')).toBe(3)
    expect(lineOf(text, 'news2')).toBe(5)
    expect(lineOf(text, 'nothing')).toBe(0)
    expect(lineOf(text, '(')).toBe(0)
  })
  it('tells no rate below one patient-week', () => {
    expect(per100(3, 6.9)).toBeNull()
    expect(per100(3, 300)).toBe(1)
  })
})

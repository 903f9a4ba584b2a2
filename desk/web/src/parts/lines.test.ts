import { describe, expect, it } from 'vitest'
import { compare, pieces } from './lines'

const marks = (was: string, now: string) => compare(was, now).map((l) => ({ same: ' ', gone: '-', new: '+' })[l.kind] + l.text)

describe('lines', () => {
  it('RUL-4 shows what was changed, line by line', () => {
    expect(marks('a\nb\nc', 'a\nB\nc')).toEqual([' a', '-b', '+B', ' c'])
    expect(marks('a\nb\nc\nd', 'b\nc\nx\nd')).toEqual(['-a', ' b', ' c', '+x', ' d'])
    expect(marks('', 'a')).toEqual(['-', '+a'])
    expect(marks('a', 'a')).toEqual([' a'])
  })
  it('puts either text together again, whatever they are', () => {
    const word = (n: number) => ['a', 'b', 'c', ''][n % 4]!
    for (let seed = 1; seed < 200; seed++) {
      const text = (s: number) => Array.from({ length: (seed * s) % 13 }, (_, i) => word(seed * s * (i + 3) + ((i * i * s) >> 1))).join('\n')
      const [was, now] = [text(7), text(11)]
      const all = compare(was, now)
      expect(all.filter((l) => l.kind !== 'new').map((l) => l.text).join('\n')).toBe(was)
      expect(all.filter((l) => l.kind !== 'gone').map((l) => l.text).join('\n')).toBe(now)
      for (const l of all) {
        if (l.was) expect(was.split('\n')[l.was - 1]).toBe(l.text)
        if (l.now) expect(now.split('\n')[l.now - 1]).toBe(l.text)
      }
    }
  })
  it('leaves out what is far from a change and says how much', () => {
    const long = Array.from({ length: 30 }, (_, i) => `line ${i}`)
    const changed = long.map((l, i) => (i === 10 || i === 25 ? l + '!' : l))
    const p = pieces(compare(long.join('\n'), changed.join('\n')), 2)
    expect(p.map((x) => x.skipped)).toEqual([8, 10])
    expect(p[0]!.lines.map((l) => l.kind)).toEqual(['same', 'same', 'gone', 'new', 'same', 'same'])
    expect(pieces(compare('a\nb', 'a\nb'))).toEqual([])
  })
})

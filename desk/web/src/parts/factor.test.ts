import { expect, it } from 'vitest'
import { inFours, qrPath } from './factor'

it('SEC-1 a QR code is drawn module by module, with its quiet zone', () => {
  const rows = ['110', '001', '101']
  const { path, side } = qrPath(rows)
  expect(side).toBe(3 + 8)
  const dark = new Set<string>()
  for (const m of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-(\d+)z/g)) {
    expect(m[3]).toBe(m[4])
    for (let x = 0; x < Number(m[3]); x++) dark.add(`${Number(m[1]) + x - 4},${Number(m[2]) - 4}`)
  }
  const want = rows.flatMap((row, y) => [...row].flatMap((c, x) => (c === '1' ? [`${x},${y}`] : [])))
  expect([...dark].sort()).toEqual(want.sort())
})

it('SEC-1 a secret is written in fours', () => {
  expect(inFours('JBSWY3DPEHPK3PXPA')).toBe('JBSW Y3DP EHPK 3PXP A')
  expect(inFours('')).toBe('')
})

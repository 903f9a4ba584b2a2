/** A line of two texts laid side by side: in both, in the old one alone, in the new one alone. Numbers count from 1; 0: it is not in that text. */
export interface Line {
  kind: 'same' | 'gone' | 'new'
  was: number
  now: number
  text: string
}

/** compare lays two texts side by side, line by line, with as many lines in common as there can be. */
export function compare(was: string, now: string): Line[] {
  const a = was.split('\n')
  const b = now.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const same = (i: number, k: number): Line => ({ kind: 'same', was: i + 1, now: k + 1, text: a[i]! })
  const all: Line[] = []
  for (let i = 0; i < head; i++) all.push(same(i, i))
  all.push(...between(a, b, head, a.length - tail, head, b.length - tail))
  for (let i = tail; i > 0; i--) all.push(same(a.length - i, b.length - i))
  return all
}

/** between compares what is left between a common beginning and a common end, by the longest common sequence. */
function between(a: string[], b: string[], fromA: number, toA: number, fromB: number, toB: number): Line[] {
  const n = toA - fromA
  const m = toB - fromB
  const long = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1)) // of what follows (i, k)
  for (let i = n - 1; i >= 0; i--)
    for (let k = m - 1; k >= 0; k--) long[i]![k] = a[fromA + i] === b[fromB + k] ? long[i + 1]![k + 1]! + 1 : Math.max(long[i + 1]![k]!, long[i]![k + 1]!)
  const all: Line[] = []
  let i = 0
  let k = 0
  while (i < n || k < m) {
    if (i < n && k < m && a[fromA + i] === b[fromB + k]) {
      all.push({ kind: 'same', was: fromA + i + 1, now: fromB + k + 1, text: a[fromA + i]! })
      i++
      k++
    } else if (k === m || (i < n && long[i + 1]![k]! >= long[i]![k + 1]!)) {
      all.push({ kind: 'gone', was: fromA + i + 1, now: 0, text: a[fromA + i]! })
      i++
    } else {
      all.push({ kind: 'new', was: 0, now: fromB + k + 1, text: b[fromB + k]! })
      k++
    }
  }
  return all
}

/** Piece is a stretch of changed lines with what stands around them; skipped is how many equal lines lie before it. */
export interface Piece {
  skipped: number
  lines: Line[]
}

/** pieces keeps the changed lines with so many equal ones around them. */
export function pieces(all: Line[], around = 3): Piece[] {
  const near = (i: number) => all.slice(Math.max(0, i - around), i + around + 1).some((l) => l.kind !== 'same')
  const out: Piece[] = []
  let skipped = 0
  all.forEach((l, i) => {
    if (!near(i)) {
      skipped++
      return
    }
    if (skipped > 0 || out.length === 0) out.push({ skipped, lines: [] })
    skipped = 0
    out[out.length - 1]!.lines.push(l)
  })
  return out
}

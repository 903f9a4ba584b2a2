// The rows of a CSV file as bytes, so that what is taken out of it, or left out, is byte for byte what somebody sent.

/** One row: from here to there in the file, and the line on which it begins; the first is 1. */
export interface Span {
  line: number
  from: number
  to: number
}

const quote = 0x22
const newline = 0x0a

/** spansOf answers the rows of a file. A line break between quotes belongs to its row. */
export function spansOf(file: Uint8Array): Span[] {
  const rows: Span[] = []
  let line = 1
  let begun = 1
  let from = 0
  let quoted = false
  for (let i = 0; i < file.length; i++) {
    if (file[i] === quote) quoted = !quoted
    if (file[i] !== newline) continue
    line++
    if (quoted) continue
    rows.push({ line: begun, from, to: i + 1 })
    from = i + 1
    begun = line
  }
  if (from < file.length) rows.push({ line: begun, from, to: file.length })
  return rows
}

/** pick answers a file of its first row and of those rows that keep wants. */
export function pick(file: Uint8Array, keep: (line: number) => boolean): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = []
  spansOf(file).forEach((r, i) => {
    if (i > 0 && !keep(r.line)) return
    const bytes = new Uint8Array(file.slice(r.from, r.to))
    parts.push(bytes)
    if (bytes[bytes.length - 1] !== newline) parts.push(new Uint8Array([newline]))
  })
  return new Blob(parts, { type: 'text/csv' })
}

/** cell writes a cell of a file that we make. */
const cell = (s: string) => (/[",\r\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s)

/** table writes a file with a mark that tells spreadsheets that it is UTF-8. */
export const table = (rows: string[][]) => new Blob(['\ufeff', rows.map((r) => r.map(cell).join(',') + '\r\n').join('')], { type: 'text/csv;charset=utf-8' })

/** offer has the browser keep a file. */
export function offer(file: Blob, name: string) {
  const url = URL.createObjectURL(file)
  const a = Object.assign(document.createElement('a'), { href: url, download: name })
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

import { expect, it } from 'vitest'
import { pick, spansOf } from './csv'

const bytes = (s: string) => new TextEncoder().encode(s)

it('a row begins on the line that the desk names, also behind one with a line break between quotes', () => {
  const file = bytes('a,b\r\n1,"x\ny"\r\n2,z\r\n3,""""\n4,end')
  expect(spansOf(file).map((r) => r.line)).toEqual([1, 2, 4, 5, 6])
})

it('what is taken out is byte for byte what was sent: the mark at the beginning, line ends, and bytes that are no UTF-8', async () => {
  const file = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes('a,b\r\n'), ...bytes('1,'), 0xb2, 0xa1, ...bytes('\r\n2,ok\r\n3,last')])
  const out = new Uint8Array(await pick(file, (line) => line !== 3).arrayBuffer())
  expect([...out]).toEqual([0xef, 0xbb, 0xbf, ...bytes('a,b\r\n1,'), 0xb2, 0xa1, ...bytes('\r\n3,last\n')])
})

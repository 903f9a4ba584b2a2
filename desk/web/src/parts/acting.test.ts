import { beforeEach, expect, it, vi } from 'vitest'
import type { Warning } from '../api/types'

vi.stubGlobal('navigator', { language: 'en' })
const { api, Refused, Unreachable } = await import('../api/client')
const { change, forget } = await import('../live/store')
const { useActing } = await import('./acting')

const w = (o: Partial<Warning>) => ({ id: 'a', state: 'new', severity: 'high', owner: '', version: 1, ...o }) as Warning
const keys: string[] = []

/** answering makes the desk answer each accept in turn. */
function answering(...answers: (() => Promise<Warning>)[]) {
  keys.length = 0
  vi.spyOn(api, 'accept').mockImplementation((_, key) => (keys.push(key), answers.shift()!()))
}
const lost = () => Promise.reject(new Unreachable('no answer'))

beforeEach(() => {
  vi.restoreAllMocks()
  forget()
})

it('a press after no answer is the same click, until the warning has changed', async () => {
  change(w({}))
  const acting = useActing()
  answering(lost, lost, () => Promise.resolve(w({ state: 'accepted', owner: 'me', version: 4 })))
  await acting.accept('a')
  expect(acting.answers.get('a')?.ok).toBe(false)
  await acting.accept('a')
  change(w({ state: 'accepted', owner: 'me', version: 2 })) // it had been heard
  change(w({ state: 'returned', version: 3 })) // and she gave it back
  await acting.accept('a')
  expect(keys[1]).toBe(keys[0])
  expect(keys[2]).not.toBe(keys[1])
  expect(acting.answers.get('a')?.ok).toBe(true)
})

it('while one click waits another warning can be taken, and each has its answer', async () => {
  change(w({}))
  change(w({ id: 'b' }))
  const acting = useActing()
  let answer = (_: Warning) => {}
  answering(() => new Promise((done) => (answer = done)), () => Promise.reject(new Refused(409, '已接手', 'taken', 'nurse-b')))
  const first = acting.accept('a')
  expect(await acting.accept('a')).toBe(false) // the same is asked once
  await acting.accept('b')
  expect(keys).toHaveLength(2)
  expect(acting.answers.get('b')).toEqual({ ok: false, text: 'taken' })
  expect(acting.pending.has('a')).toBe(true)
  answer(w({ state: 'accepted', version: 2 }))
  expect(await first).toBe(true)
  expect(acting.answers.get('a')?.ok).toBe(true)
})

it('what says something else the second time is another click', async () => {
  change(w({ state: 'accepted', owner: 'me' }))
  const acting = useActing()
  const sent: string[] = []
  vi.spyOn(api, 'contact').mockImplementation((_, key) => (sent.push(key), lost()))
  const tried = { whom: 'patient', note: '' } as const
  await acting.contact('a', { ...tried, outcome: 'no_answer' })
  await acting.contact('a', { ...tried, outcome: 'no_answer' })
  await acting.contact('a', { ...tried, outcome: 'reached' })
  expect(sent[1]).toBe(sent[0])
  expect(sent[2]).not.toBe(sent[0])
})

it('what is asked while another click waits is asked after it, and not lost', async () => {
  change(w({}))
  const acting = useActing()
  let answer = (_: Warning) => {}
  answering(() => new Promise((done) => (answer = done)))
  const order: string[] = []
  vi.spyOn(api, 'giveBack').mockImplementation(() => (order.push('giveBack'), Promise.resolve(w({ state: 'returned', version: 3 }))))
  const first = acting.accept('a').then(() => order.push('accepted'))
  const second = acting.giveBack('a', 'shift ends')
  await Promise.resolve()
  expect(order).toEqual([])
  answer(w({ state: 'accepted', version: 2 }))
  await first
  expect(await second).toBe(true)
  expect(order).toEqual(expect.arrayContaining(['accepted', 'giveBack']))
  expect(acting.pending.size).toBe(0)
})

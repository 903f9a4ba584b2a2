import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Loaded, Loading } from './load'

vi.stubGlobal('navigator', { language: 'en' })
const { Refused, Unreachable } = await import('../api/client')
const { link } = await import('../live/store')
const { useLoad } = await import('./load')

let scope: EffectScope
beforeEach(() => {
  vi.useFakeTimers()
  link.state = 'up'
  scope = effectScope()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

/** desk answers in whatever order the test says. */
function desk() {
  const asked: { yes: (v: string) => void; no: (e: unknown) => void; soFar: (v: string) => void }[] = []
  const ask = (soFar: (v: string) => void) => new Promise<string>((yes, no) => asked.push({ yes, no, soFar }))
  return { asked, ask }
}
const run = (ask: (soFar: (v: string) => void) => Promise<string>, o?: Loading): Loaded<string> => scope.run(() => useLoad(ask, o))!
const settled = () => vi.advanceTimersByTimeAsync(0)

it('the latest asking wins, whichever answer comes last', async () => {
  const d = desk()
  const page = run(d.ask)
  void page.load()
  d.asked[1]!.yes('new')
  await settled()
  d.asked[0]!.yes('old')
  await settled()
  expect(page.data.value).toBe('new')
  d.asked[0]!.no(new Unreachable())
  expect(page.failed.value).toBe('')
})

it('when an asking fails, what was known stays with its age, and why is said in words', async () => {
  const d = desk()
  const page = run(d.ask)
  d.asked[0]!.yes('known')
  await settled()
  const at = page.at.value
  expect([at > 0, page.old.value]).toEqual([true, false])
  await vi.advanceTimersByTimeAsync(5000)
  void page.load()
  d.asked[1]!.no(new Refused(503, '忙', 'busy'))
  await settled()
  expect([page.data.value, page.at.value, page.old.value]).toEqual(['known', at, true])
  expect(['忙', 'busy']).toContain(page.failed.value)
  void page.load()
  d.asked[2]!.yes('newer')
  await settled()
  expect([page.data.value, page.failed.value, page.old.value]).toEqual(['newer', '', false])
})

it('it is asked for again every so often, not without a connection, at once when that is back, and no more when the page is gone', async () => {
  const d = desk()
  const page = run(d.ask, { every: 1000 })
  d.asked[0]!.no(new Unreachable())
  await vi.advanceTimersByTimeAsync(1000)
  expect(d.asked).toHaveLength(2)
  link.state = 'down'
  await vi.advanceTimersByTimeAsync(5000)
  expect(d.asked).toHaveLength(2)
  expect(page.old.value).toBe(true)
  link.state = 'up'
  await nextTick()
  expect(d.asked).toHaveLength(3)
  scope.stop()
  d.asked[2]!.yes('nobody sees this')
  await vi.advanceTimersByTimeAsync(5000)
  expect(d.asked).toHaveLength(3)
  expect(page.data.value).toBeNull()
})

it('of another subject nothing of the one before is shown, and an answer about that is nobody’s', async () => {
  const d = desk()
  const subject = ref('a')
  const page = run(d.ask, { on: [subject] })
  d.asked[0]!.yes('a1')
  await settled()
  void page.load()
  subject.value = 'b'
  await nextTick()
  expect([page.data.value, page.at.value]).toEqual([null, 0])
  d.asked[1]!.yes('a2')
  await settled()
  expect(page.data.value).toBeNull()
  d.asked[2]!.yes('b1')
  await settled()
  expect(page.data.value).toBe('b1')
})

it('what has come so far shows while there is nothing whole, and never in place of what is', async () => {
  const d = desk()
  const page = run(d.ask)
  d.asked[0]!.soFar('first rows')
  expect([page.data.value, page.at.value]).toEqual(['first rows', 0])
  d.asked[0]!.yes('all rows')
  await settled()
  void page.load()
  d.asked[1]!.soFar('first rows again')
  expect(page.data.value).toBe('all rows')
})

import { expect, it, vi } from 'vitest'

vi.stubGlobal('navigator', { language: 'en' })
vi.useFakeTimers({ now: new Date(2026, 2, 2, 3, 10) })
const { useSay } = await import('./say')
const { speak } = await import('../words')

it('a moment says its day when it is not today, and its year when it is another', () => {
  const { clock } = useSay()
  expect(clock(+new Date(2026, 2, 2, 3, 4))).toBe('03:04')
  expect(clock(+new Date(2026, 2, 1, 3, 4))).toBe('1 Mar, 03:04')
  expect(clock(+new Date(1970, 0, 1, 8, 0))).toBe('1 Jan 1970, 08:00')
  expect(clock(null)).toBe('–')
})

it('what our packs say of themselves is said in the language of the screen', () => {
  vi.stubGlobal('document', { documentElement: {} })
  const { source } = useSay()
  speak('zh')
  expect(source("Tocsin's own policy, to be confirmed by the clinic that uses this pack")).not.toMatch(/policy|clinic/)
  expect(source('ESC 2021')).toBe('ESC 2021')
  speak('en')
})

import type { Page } from '@playwright/test'
import { settle } from '../look'
import { enter, expect, test } from './desk'

const open = async (page: Page) => {
  await expect(page.locator('.box canvas')).toBeVisible()
  await page.keyboard.press('KeyB')
  await expect(page.locator('[data-test=as-known]')).toBeVisible()
}
const slideTo = (page: Page, ago: number) =>
  page.locator('[data-test=slider]').evaluate((el: HTMLInputElement, ms) => {
    el.value = String(Number(el.max) - ms)
    el.dispatchEvent(new Event('input', { bubbles: true }))
  }, ago)

test('HIS-2 as known then: a frame says so, nothing can be done, Escape goes back to now', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/warning/w-0001')
  await open(page)
  await expect(page.locator('[data-test=as-known]')).toContainText(/AS KNOWN \d\d:\d\d(:\d\d)? 当时所知 \d\d:\d\d/)
  await expect(page.locator('[data-test=slider]')).toBeFocused()
  await expect(page.locator('[data-test=stood]')).toContainText('unclaimed')
  const wishes: string[] = []
  page.on('request', (r) => r.method() === 'POST' && wishes.push(r.url()))
  await expect(page.locator('[data-test=accept]')).toHaveCount(0)
  for (const key of ['KeyA', 'KeyC', 'KeyS']) await page.keyboard.press(key)
  expect(wishes).toEqual([])
  const before = await page.locator('[data-test=slider]').inputValue()
  await page.keyboard.press('ArrowLeft')
  expect(Number(await page.locator('[data-test=slider]').inputValue())).toBe(Number(before) - 60_000)
  await expect(page.getByText('did not exist yet')).toBeVisible()
  await expect(page.locator('.reasons, .score')).toHaveCount(0)
  await page.getByLabel('The next event').click()
  await expect(page.locator('[data-test=stood]')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.locator('[data-test=as-known]')).toHaveCount(0)
  await expect(page.locator('[data-test=accept]')).toBeVisible()
  await expect(page).toHaveURL(/warning\/w-0001/)
})

test('HIS-2 a late upload was not known before it came, and is known with the time at which it was measured', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/warning/w-0001')
  await open(page)
  await page.locator('.tools select').selectOption('6')
  await page.getByText('As a table').click()
  await slideTo(page, 55 * 60_000)
  await page.waitForResponse((r) => r.url().includes('known='))
  /** Rows that were received more than ten minutes after they were measured. */
  const known = () =>
    page.locator('tbody tr').evaluateAll((rows) => {
      const at = (r: Element, i: number) => r.children[i]!.textContent!.slice(-8).split(':').reduce((s, n) => s * 60 + Number(n), 0)
      return rows.filter((r) => (at(r, 3) - at(r, 0) + 86_400) % 86_400 > 600)
    })
  await expect.poll(async () => (await known()).length).toBe(0)
  await slideTo(page, 45 * 60_000)
  await expect.poll(async () => (await known()).length).toBe(1)
})

test('HIS-2 a look back ends by itself after a minute', async ({ page, mock }) => {
  await page.clock.install()
  await settle(page, 'en', 'light')
  await enter(page, mock, '/warning/w-0001')
  await open(page)
  await page.clock.fastForward(50_000)
  await expect(page.locator('[data-test=as-known]')).toBeVisible()
  await page.clock.fastForward(12_000)
  await expect(page.locator('[data-test=as-known]')).toHaveCount(0)
  await expect(page.locator('[data-test=accept]')).toBeVisible()
})

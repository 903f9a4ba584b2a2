import type { Page } from '@playwright/test'
import { settle } from '../look'
import { fall } from './course.mjs'
import { enter, expect, test } from './desk'

const path = '/patients/demo/P-0113'
const at = (page: Page) => page.locator('[data-test=span]')
const open = async (page: Page, mock: Parameters<typeof enter>[1], to = path) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, to)
  await expect(page.locator('.axis .box canvas')).toBeVisible()
}

test('HIS-3 at two years one minute of 71 % is seen, pixel by pixel', async ({ page, mock }) => {
  await open(page, mock)
  await page.locator('[data-test=zoom-years]').click()
  await expect(at(page)).toContainText('730 d are shown')
  await expect(at(page)).toContainText('an upright bar is all readings of')
  /** How much ink there is in the panel of SpO2, where the minute was and some days beside, from 84 % down. */
  const ink = () =>
    page.evaluate((ago) => {
      const canvas = document.querySelector<HTMLCanvasElement>('.axis .box canvas')!
      const scale = canvas.width / canvas.clientWidth
      const [left, right, top, height, step] = [44, 14, 26, 60, 92]
      const plot = canvas.clientWidth - left - right
      const x = left + (1 - ago / (730 * 86_400_000)) * plot
      // The score is the first panel, SpO2 the second; its scale goes from 70 to 100.
      const y = (v: number) => top + step + (1 - (v - 70) / 30) * height
      const dark = (x0: number) => {
        const d = canvas.getContext('2d')!.getImageData(Math.round((x0 - 3) * scale), Math.round(y(84) * scale), Math.round(6 * scale), Math.round((y(71.5) - y(84)) * scale)).data
        let n = 0
        for (let i = 0; i < d.length; i += 4) if (d[i + 3]! > 200 && d[i]! < 80) n++
        return n
      }
      return [dark(x), dark(x - 30)]
    }, fall)
  await expect.poll(async () => (await ink())[0]! > 10).toBe(true)
  expect((await ink())[1]).toBe(0)
})

test('HIS-3 from two years to ten minutes by buttons, keys, wheel and fingers; the address goes along', async ({ page, mock }) => {
  await open(page, mock)
  await page.locator('[data-test=zoom-near]').click()
  await expect(at(page)).toContainText('10 min are shown')
  await expect(page.locator('[data-test=in]')).toBeDisabled()
  await expect(page).toHaveURL(/from=\d+&to=\d+/)
  for (let i = 0; i < 3; i++) await page.keyboard.press('Minus')
  await expect(at(page)).toContainText('1 h 20 min are shown')
  await page.keyboard.press('ArrowLeft')
  await expect(page.locator('[data-test=now]')).toBeEnabled()
  await page.keyboard.press('End')
  await expect(page.locator('[data-test=now]')).toBeDisabled()
  await page.keyboard.press('Home')
  await expect(at(page)).toContainText('730 d are shown')
  const box = (await page.locator('.axis').boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + 200)
  await page.mouse.wheel(0, -240)
  await expect(at(page)).not.toContainText('730 d are shown')
  const shown = await at(page).textContent()
  await page.mouse.down()
  await page.mouse.move(box.x + box.width / 2 + 200, box.y + 200, { steps: 4 })
  await page.mouse.up()
  await expect(at(page)).not.toHaveText(shown!)
  await page.evaluate(() => {
    const el = document.querySelector('.axis')!
    const finger = (type: string, id: number, x: number, on: EventTarget = window) => on.dispatchEvent(new PointerEvent(type, { pointerId: id, clientX: x, clientY: 400, pointerType: 'touch', button: 0, bubbles: true }))
    finger('pointerdown', 1, 500, el)
    finger('pointerdown', 2, 600, el)
    finger('pointermove', 1, 400)
    finger('pointermove', 2, 800)
    finger('pointerup', 1, 400)
    finger('pointerup', 2, 800)
  })
  await expect.poll(async () => Number(/(\d+) d /.exec((await at(page).textContent())!)?.[1])).toBeLessThan(120)
  await page.reload()
  await expect(page.locator('[data-test=now]')).toBeEnabled()
})

test('HIS-4 a warning, a call, a silence: asked for by mouse or keys, zoomed to, and back to the board', async ({ page, mock }) => {
  await open(page, mock)
  await page.locator('[data-test=zoom-years]').click()
  const high = page.locator('[data-lane=warnings] button').filter({ has: page.locator('.high') })
  await expect(high).toHaveCount(2) // until then the old span stands there
  await high.first().focus()
  await page.keyboard.press('Enter')
  const told = page.locator('[data-test=told]')
  await expect(told).toContainText('SpO2 71 %')
  await expect(told).toContainText('closed')
  await page.keyboard.press('ArrowRight')
  await expect(page.locator('[data-lane=warnings] button').nth(1)).toBeFocused()
  await page.locator('[data-test=near]').click()
  await expect(at(page)).not.toContainText('730 d are shown')
  await expect(page.locator('[data-lane=contacts] button')).toHaveCount(1)
  await page.locator('[data-lane=contacts] button').click()
  await expect(told).toContainText('nurse-b called the patient: reached')
  await page.locator('[data-test=zoom-week]').click()
  await page.locator('[data-test=now]').click()
  await expect(page.locator('[data-lane=watching] .silent')).toHaveCount(1)
  await page.locator('[data-lane=warnings] button').filter({ has: page.locator('.high') }).click()
  await told.getByRole('link', { name: 'Open the warning' }).click()
  await expect(page).toHaveURL(/warning\/w-0001/)
  await page.locator('[data-test=over-months]').click()
  await expect(page).toHaveURL(/patients\/demo\/P-0113$/)
  await page.locator('[data-test=to-board]').click()
  await page.locator('[data-test=over-months]').first().click()
  await expect(page.locator('.axis .box canvas')).toBeVisible()
})

test('SEC-5 a patient out of the care is refused in words, and can be opened in an emergency', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/patients/demo/P-0777')
  await expect(page.getByText('not in your care')).toBeVisible()
  await expect(page.locator('.axis canvas')).toHaveCount(0)
})

import { accessible, fits, shoot } from '../look'
import { expect, test } from './desk'

// The patient's page on a telephone: opened by a link, in both languages, in danger, without a network, and shut.
for (const locale of ['zh-CN', 'en-GB'])
  test.describe(locale, () => {
    test.use({ locale, viewport: { width: 390, height: 844 } })
    const zh = locale === 'zh-CN'
    const says = zh ? { watched: '值守，至 20:00', lost: '无法确定', wrong: '不正确', other: 'Watched until 20:00' } : { watched: 'Watched until 20:00', lost: 'is not known', wrong: 'wrong', other: '值守，至 20:00' }

    test('ALR-17 the page says first whether anybody watches, and 120', async ({ page, mock }) => {
      await page.addInitScript(() => Object.defineProperty(navigator, 'serviceWorker', { value: undefined }))
      await page.goto(`${mock.url}/me#d=app-1&t=mock`)
      const line = page.locator('#line')
      await expect(line).toContainText(says.watched)
      await expect(line).toContainText('120')
      expect(page.url()).toBe(`${mock.url}/me`) // the token does not stay in the address
      await expect(page.locator('#danger')).toBeHidden()
      await shoot(page, `me-${locale}`)
      await fits(page, 'me')
      await accessible(page, 'me')
      await page.locator('#tongue').click()
      await expect(line).toContainText(says.other)
      await page.locator('#tongue').click()

      await mock.steer('me', { state: 'not_watching', line: { zh: '现在无人查看。紧急情况请拨打 120。', en: 'NOBODY IS WATCHING now. Emergency: 120.' }, danger: true, advice: { zh: '请立即拨打 120', en: 'Call 120 now' } })
      await page.reload() // what it was opened with is kept
      await expect(line).toHaveAttribute('data-state', 'not_watching')
      await expect(page.locator('#danger')).toContainText('120')
      await expect(page.locator('#call')).toHaveAttribute('href', 'tel:120')
      await shoot(page, `me-danger-${locale}`)
      await fits(page, 'me in danger')
      await accessible(page, 'me in danger')
    })

    test('ALR-17 what is old is not known, and a danger stays', async ({ page, mock }) => {
      await page.clock.install()
      await mock.steer('me', { danger: true, advice: { zh: '请立即拨打 120', en: 'Call 120 now' } })
      await page.goto(`${mock.url}/me#d=app-1&t=mock`)
      await expect(page.locator('#line')).toContainText(says.watched)
      await page.context().setOffline(true)
      await page.clock.runFor(70_000)
      await expect(page.locator('#line')).toContainText(says.lost)
      await expect(page.locator('#line')).toContainText('120')
      await expect(page.locator('#danger')).toBeVisible()
      await page.context().setOffline(false)
      await page.clock.runFor(30_000)
      await expect(page.locator('#line')).toContainText(says.watched)
    })

    test('ALR-17 a wrong code opens nothing, and signing out forgets', async ({ page, mock }) => {
      await page.goto(`${mock.url}/me`)
      await expect(page.locator('#line')).toContainText('120')
      await page.fill('#device', 'app-1')
      await page.fill('#token', 'guess')
      await page.locator('#who button').click()
      await expect(page.locator('#fault')).toContainText(says.wrong)
      await expect(page.locator('#line')).toHaveAttribute('data-state', 'nobody')
      await accessible(page, 'me, the form')
      await page.fill('#token', 'mock')
      await page.locator('#who button').click()
      await expect(page.locator('#line')).toContainText(says.watched)
      await page.locator('#forget').click()
      await expect(page.locator('#line')).toHaveAttribute('data-state', 'nobody')
      await page.reload()
      await expect(page.locator('#who')).toBeVisible()
    })
  })

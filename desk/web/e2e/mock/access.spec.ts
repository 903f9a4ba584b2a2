import { languages, looks, see as seeAs, settle, sizes } from '../look'
import { enter, expect, test } from './desk'

// A patient out of one's care, opened in an emergency: the dialog, the bar that stands as long as it lasts, the review, the record.
for (const [size, viewport] of Object.entries(sizes))
  for (const language of languages) {
    const look = looks[language === 'zh' ? 0 : 1]!
    const tag = `${size}-${language}-${look}`
    test.describe(tag, () => {
      test.use({ viewport })

      test('SEC-5 an emergency is asked for with a reason, stands on every page, and ends', async ({ page, mock }) => {
        const see = (name: string) => seeAs(page, name, tag)
        await settle(page, language, look)
        await enter(page, mock)
        await page.getByRole('button', { name: /nurse-a/ }).click()
        await page.locator('[data-test=open-patient]').click()
        await page.locator('[data-test=open-now]').click()
        await expect(page.locator('dialog [role=alert]')).toBeVisible() // whom and why are asked for
        await page.fill('dialog [name=patient]', 'P-9999')
        await page.fill('dialog [name=reason]', 'seizure in the corridor')
        await page.locator('[data-test=open-now]').click()
        await expect(page.locator('dialog .refused')).toBeVisible()
        await see('emergency-dialog')
        await page.fill('dialog [name=patient]', 'P-0777')
        await page.locator('[data-test=open-now]').click()
        await expect(page.locator('dialog')).toHaveCount(0)
        await expect(page.locator('[data-test=emergency]')).toContainText('demo/P-0777')
        await see('emergency-bar')
        await page.goto(`${mock.url}/#/groups`)
        await expect(page.locator('[data-test=emergency]')).toContainText('demo/P-0777')
        await mock.steer('expire')
        await mock.steer('cut') // as the desk ends the stream that was opened under it
        await expect(page.locator('[data-test=emergency]')).toHaveCount(0)
      })

      test('SEC-5 emergencies wait for a review by somebody else', async ({ page, mock }) => {
        await mock.steer('emergency', {})
        await mock.steer('emergency', { account: 'lead-wu', patient: 'P-0778' })
        await settle(page, language, look)
        await enter(page, mock, '/emergencies', 'lead-wu')
        const waiting = page.locator('[data-test=waiting] > li')
        await expect(waiting).toHaveCount(2)
        await expect(waiting.nth(1).locator('form')).toHaveCount(0) // her own
        await waiting.nth(0).locator('[data-test=review-now]').click()
        await expect(waiting.nth(0).locator('[role=alert]')).toBeVisible()
        await waiting.nth(0).locator('[type=radio]').first().check()
        await waiting.nth(0).locator('[data-test=review-now]').click()
        await expect(page.locator('[data-test=reviewed] li')).toHaveCount(1)
        await expect(waiting).toHaveCount(1)
      })

      test('SEC-2 an auditor asks who looked at a patient', async ({ page, mock }) => {
        await settle(page, language, look)
        await enter(page, mock, '/audit', 'auditor-1')
        await page.fill('[name=tenant]', 'demo')
        await page.fill('[name=patient]', 'P-0113')
        await page.locator('[data-test=look]').click()
        await expect(page.locator('tbody tr')).toHaveCount(3)
        await page.locator('[data-test=more]').click()
        await expect(page.locator('tbody tr')).toHaveCount(4)
        await expect(page.locator('[data-test=more]')).toHaveCount(0)
      })
    })
  }

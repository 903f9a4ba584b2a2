import { accessible, fits, languages, looks, settle, shoot, sizes } from '../look'
import { enter, expect, test } from './desk'

// The identity provider on the sign-in page and at a locked desk: the button, why somebody was turned away, the way back.
const reasons = ['provider_down', 'set_up', 'expired', 'aborted', 'invalid', 'unknown_account', 'no_role', 'locked', 'other_person', 'not_written', 'still_there', 'a word that nobody knows']

for (const [size, viewport] of Object.entries(sizes))
  for (const language of languages) {
    const look = looks[language === 'zh' ? 0 : 1]!
    const tag = `${size}-${language}-${look}`
    test.describe(tag, () => {
      test.use({ viewport })

      test('SEC-1 the sign-in page has the provider by its name, and says why somebody was turned away', async ({ page, mock }) => {
        await mock.steer('sso', { name: '院内统一认证 Hospital SSO', account: 'nurse-a' })
        await settle(page, language, look)
        await page.goto(`${mock.url}/#/quality`)
        const button = page.locator('[data-test=oidc]')
        await expect(button).toContainText('Hospital SSO')
        await shoot(page, `oidc-sign-in-${tag}`)
        await fits(page, 'sign-in')
        await accessible(page, 'sign-in')
        const said = new Set<string>()
        for (const reason of reasons) {
          await page.goto(`${mock.url}/#/sign-in?oidc=${encodeURIComponent(reason)}&to=/quality`)
          const words = page.locator('[data-test=turned-away]')
          await expect(words).toBeVisible()
          if (reason !== 'a word that nobody knows') said.add((await words.textContent())!)
          if (reason !== 'unknown_account') continue
          await shoot(page, `oidc-turned-away-${tag}`)
          await fits(page, 'turned away')
          await accessible(page, 'turned away')
        }
        expect(said.size).toBe(reasons.length - 1)
        await button.click()
        await expect(page).toHaveURL(/#\/quality$/)
        await expect(page.getByRole('button', { name: /nurse-a/ })).toBeVisible()
      })

      test('SEC-1 a password goes on beside the provider', async ({ page, mock }) => {
        await mock.steer('sso', { name: 'SSO', account: 'nurse-a' })
        await settle(page, language, look)
        await page.goto(`${mock.url}/#/sign-in`)
        await page.fill('#account', 'nurse-b')
        await page.fill('#password', 'mock')
        await page.keyboard.press('Enter')
        await expect(page.getByRole('button', { name: /nurse-b/ })).toBeVisible()
      })

      test('SEC-1 a locked desk is opened at the provider, in a window beside it', async ({ page, mock, context }) => {
        await mock.steer('sso', { name: 'SSO', account: 'nurse-a' })
        await settle(page, language, look)
        await page.goto(`${mock.url}/v1/oidc/begin?to=/queue`)
        await expect(page.getByRole('button', { name: /nurse-a/ })).toBeVisible()
        await page.keyboard.press('Shift+KeyL')
        const locked = page.locator('.locked')
        await expect(locked).toBeVisible()
        await expect(locked.locator('input')).toHaveCount(0) // she has no password
        await shoot(page, `oidc-locked-${tag}`)
        await fits(page, 'locked')
        await accessible(page, 'locked')

        await mock.steer('sso', { name: 'SSO', account: 'nurse-a', refuse: 'other_person' })
        const [refused] = await Promise.all([context.waitForEvent('page'), page.locator('[data-test=unlock]').click()])
        await expect(refused.locator('[data-test=turned-away]')).toBeVisible()
        await shoot(refused, `oidc-not-unlocked-${tag}`)
        await accessible(refused, 'not unlocked')
        await refused.close()
        await page.reload()
        await expect(locked).toBeVisible()

        await mock.steer('sso', { name: 'SSO', account: 'nurse-a', began: 9 })
        await page.locator('[data-test=unlock]').click()
        await expect(locked).toHaveCount(0)
        await expect(page).toHaveURL(/#\/queue/) // it stood here all the time
      })
    })
  }

test('SEC-1 signing out signs out at the provider too, and with a password not', async ({ page, mock }) => {
  const ends = async () => ((await (await fetch(`${mock.url}/mock/looks`)).json()) as string[]).filter((l) => l.startsWith('oidc end')).length
  await settle(page, 'en', 'light')
  await enter(page, mock)
  await page.getByRole('button', { name: /nurse-a/ }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.locator('#account')).toBeVisible()
  expect(await ends()).toBe(0)
  await mock.steer('sso', { name: 'SSO', account: 'nurse-a' })
  await page.goto(`${mock.url}/v1/oidc/begin?to=/queue`)
  await page.getByRole('button', { name: /nurse-a/ }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.locator('#account')).toBeVisible()
  expect(await ends()).toBe(1)
})

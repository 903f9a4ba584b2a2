import { expect, test, type Page } from '@playwright/test'
import { settle, shoot } from '../look'

const at = process.env.TOCSIN_DESK!

async function atKeycloak(page: Page, password = 'at-the-provider') {
  await expect(page).toHaveURL(/^http:\/\/localhost:\d+\/realms\/hospital\//)
  await expect(page.locator('#password')).toBeVisible()
  if (await page.locator('#username').isVisible()) await page.fill('#username', 'nurse-b')
  await page.fill('#password', password)
  await page.locator('#kc-login').click()
}

test('SEC-1 signing in, unlocking and signing out at a Keycloak on another site', async ({ page, context }) => {
  await settle(page, 'en', 'light')
  await page.goto(`${at}/#/quality`)
  await page.locator('[data-test=oidc]').click()
  await shoot(page, 'oidc-keycloak')
  await atKeycloak(page)
  await expect(page).toHaveURL(`${at}/#/quality`)
  await expect(page.getByRole('button', { name: /nurse-b/ })).toBeVisible()
  const cookies = await context.cookies(at)
  expect(cookies.map((c) => [c.name, c.sameSite, c.httpOnly])).toEqual([['tocsin', 'Strict', true]]) // nothing is left of the way there

  await page.keyboard.press('Shift+KeyL')
  await expect(page.locator('.locked')).toBeVisible()
  const [beside] = await Promise.all([context.waitForEvent('page'), page.locator('[data-test=unlock]').click()])
  await atKeycloak(beside)
  await expect(page.locator('.locked')).toHaveCount(0)
  await expect(page).toHaveURL(`${at}/#/quality`)

  await page.getByRole('button', { name: /nurse-b/ }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('#kc-logout').click()
  await expect(page.locator('[data-test=oidc]')).toBeVisible()
  await page.locator('[data-test=oidc]').click()
  await expect(page.locator('#password')).toBeVisible() // the next one is asked who they are
})

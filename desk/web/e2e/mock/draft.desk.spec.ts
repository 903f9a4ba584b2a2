import type { Page } from '@playwright/test'
import { accessible, see, settle } from '../look'
import { phone } from '../browser'
import { enter, expect, test, type Mock } from './desk'

const field = (page: Page) => page.locator('[data-test=draft]')
const state = (page: Page) => page.locator('[data-test=state]')

/** write replaces something in the draft, as somebody would who marks and types. */
async function write(page: Page, was: string | RegExp, now: string) {
  const text = await field(page).inputValue()
  expect(text).toMatch(was)
  await field(page).fill(text.replace(was, now))
}

async function backtested(page: Page, days = '30') {
  await page.locator('[data-test=days]').selectOption(days)
  await page.locator('[data-test=backtest]').click()
  await expect(page.locator('[data-test=counts]').first()).toBeVisible()
}

async function open(page: Page, mock: Mock, account = 'lead-wu', path = '/packs/heart-failure/draft') {
  await enter(page, mock, path, account)
  await expect(field(page)).toBeVisible()
}

test('RUL-3 RUL-11 a rule is opened from the quality page, changed, backtested, proposed, and signed by another', async ({ page, mock, browser }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/packs/heart-failure/rules?rule=weight-3d', 'lead-wu')
  await expect(page.locator('[data-rule=weight-3d]')).toHaveClass(/came/)
  await page.locator('[data-test=open-draft]').click()
  await expect(field(page)).toBeFocused() // at the line of the rule
  await expect(state(page)).toContainText('In order, as version 4.')
  await expect(page.locator('[data-test=cannot]')).toContainText('Backtest this very text first')
  await write(page, 'value: 2,', 'value: 2.5,')
  const diff = page.locator('[data-test=diff]')
  await expect(diff).toContainText('value: 2.5,')
  await expect(diff.locator('.gone')).toHaveCount(2) // the version and the bound
  await expect(page.getByText('1 of 2 cases fail.')).toBeVisible()
  await backtested(page)
  await expect(page.locator('[data-test=counts]')).toContainText('14.26 (41)')
  await expect(page.locator('[data-test=counts]')).toContainText('54 % (13 of 24)')
  await expect(page.locator('[data-test=became]')).toContainText('median 45 min')
  await page.locator('[data-test=propose]').click()
  await expect(page.locator('[data-test=waiting]')).toContainText('Proposed by lead-wu')
  await expect(page.locator('[data-test=own]')).toBeVisible()
  await expect(page.locator('[data-test=sign]')).toHaveCount(0)

  const second = await browser.newContext()
  const other = await second.newPage()
  await settle(other, 'zh', 'dark')
  await open(other, mock, 'dr-lin')
  await expect(other.locator('[data-test=waiting]')).toContainText('lead-wu')
  await expect(other.locator('[data-test=waiting] [data-test=counts]')).toContainText('14.26 (41)')
  await other.locator('[data-test=sign]').click()
  await expect(other.getByText('第 4 版已签署并生效。')).toBeVisible()
  await expect(other.locator('[data-test=waiting]')).toHaveCount(0)
  await second.close()
})

test('RUL-14 a rule in the week’s table leads to the rule in its pack', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/quality', 'nurse-a')
  await page.getByRole('link', { name: 'copd/news2' }).click()
  await expect(page).toHaveURL(/packs\/copd\/rules\?rule=news2/)
  await expect(page.locator('[data-rule=news2]')).toHaveClass(/came/)
  await expect(page.locator('[data-test=open-draft]')).toHaveCount(0) // a nurse reads
})

for (const language of ['zh', 'en'] as const)
  test(`RUL-4 every fault of a draft is told with its place, and one click goes there (${language})`, async ({ page, mock }) => {
    await settle(page, language, 'light')
    await open(page, mock)
    await write(page, /^limits:/m, 'limitz:')
    const faults = page.locator('[data-test=faults]')
    await expect(faults).toContainText(language === 'zh' ? '第 12 行第 1 列' : 'line 12, column 1')
    await expect(page.locator('.gutter .wrong')).toHaveText('✗ 12')
    await expect(page.locator('[data-test=backtest]')).toBeDisabled()
    await faults.getByRole('button').click()
    expect(await field(page).evaluate((f: HTMLTextAreaElement) => f.value.slice(0, f.selectionStart).split('\n').length)).toBe(12)
    await accessible(page, `draft with faults ${language}`)
    await write(page, /^limitz:/m, 'limits:')
    await expect(faults).toHaveCount(0)
    await write(page, 'version: 4', 'version: 3')
    await expect(state(page)).toContainText(language === 'zh' ? '与生效版本相同' : 'This is the version in effect.')
  })

test('RUL-3 a draft stays in the browser under its account, and is dropped when asked', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await open(page, mock)
  await write(page, 'value: 2,', 'value: 2.2,')
  await page.reload()
  await expect(field(page)).toHaveValue(/value: 2.2,/)
  await open(page, mock, 'dr-lin')
  await page.reload()
  await expect(field(page)).toHaveValue(/value: 2,/)
  await open(page, mock, 'lead-wu')
  await page.reload()
  await expect(field(page)).toHaveValue(/value: 2.2,/)
  await page.locator('[data-test=drop]').click()
  await page.locator('[data-test=send]').click()
  await expect(field(page)).toHaveValue(/value: 2,/)
})

test('RUL-11 a backtest says how far it is and can be stopped; one of too few days needs a reason; what is declined says why', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await mock.steer('drafts', { hold: true })
  await open(page, mock)
  await write(page, 'value: 2,', 'value: 2.5,')
  await page.locator('[data-test=backtest]').click()
  await expect(page.locator('[data-test=running]')).toContainText('of about 48210 inputs')
  await page.locator('[data-test=stop]').click()
  await expect(page.locator('[data-test=untried]')).toBeVisible()
  await mock.steer('drafts', { hold: false, able: false })
  await page.reload()
  await expect(page.locator('[data-test=unable]')).toBeVisible()
  await page.locator('[data-test=propose]').click()
  await page.locator('[data-test=send]').click()
  await expect(page.getByText('Why is it proposed all the same?').first()).toBeVisible()
  await page.locator('input[name=why]').fill('history begins next week')
  await page.locator('[data-test=send]').click()
  await expect(page.locator('[data-test=waiting]')).toContainText('history begins next week')
  await page.locator('[data-test=decline]').click()
  await page.locator('[data-test=waiting] input[name=why]').fill('we wait for it')
  await page.locator('[data-test=waiting] [data-test=send]').click()
  await expect(page.locator('[data-test=declined]')).toContainText('we wait for it')
})

for (const language of ['zh', 'en'] as const)
  for (const [name, size] of Object.entries({ desk: { width: 1366, height: 768 }, phone }))
    for (const look of ['light', 'dark'] as const)
      test(`the draft as it is seen: ${language} ${name} ${look}`, async ({ page, mock }) => {
        await page.setViewportSize(size)
        await settle(page, language, look)
        await open(page, mock)
        const tag = `${language}-${name}-${look}`
        await write(page, 'value: 2,', 'value: 2.5,')
        await backtested(page)
        await see(page, 'draft', tag)
        await page.locator('[data-test=counts]').scrollIntoViewIfNeeded()
        await see(page, 'draft-backtest', tag)
        await page.locator('[data-test=propose]').scrollIntoViewIfNeeded()
        await see(page, 'draft-end', tag)
        await page.locator('[data-test=propose]').click()
        await enter(page, mock, '/packs/heart-failure/draft', 'dr-lin')
        await page.reload()
        await expect(page.locator('[data-test=sign]')).toBeVisible()
        await page.locator('#waiting-title').scrollIntoViewIfNeeded()
        await see(page, 'draft-waiting', tag)
        await page.locator('[data-test=sign]').scrollIntoViewIfNeeded()
        await see(page, 'draft-sign', tag)
      })

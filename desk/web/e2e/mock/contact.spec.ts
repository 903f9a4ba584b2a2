import type { Page } from '@playwright/test'
import { accessible, fits, settle, shoot } from '../look'
import { enter, expect, test } from './desk'

// Who it is, by which number, and what 120 is told.
const name = /Demo Patient/

test.beforeEach(async ({ page }) => settle(page, 'en', 'light'))

const who = (page: Page) => page.locator('[data-test=who]')
const looks = async (page: Page, url: string): Promise<string[]> => (await page.context().request.get(`${url}/mock/looks`)).json()

async function call(page: Page) {
  await expect(page.locator('[data-test=whose]')).toHaveText('unclaimed')
  await page.keyboard.press('KeyA')
  await expect(page.locator('[data-test=whose]')).toHaveText('you have it')
  await page.keyboard.press('KeyT')
  await expect(page.locator('section.call')).toBeVisible()
}

/** press waits for the answer to what was pressed before: until it is there a key of the call does nothing. */
async function press(page: Page, key: string) {
  await expect(page.locator('section.call')).toHaveAttribute('aria-busy', 'false')
  await page.keyboard.press(key)
}

test('ALR-20 one key opens the call: numbers in order, each a link, the next offered by itself, and the vault asked once', async ({ page, mock }) => {
  await enter(page, mock, '/queue/w-0001')
  await expect(page.locator('[data-test=whose]')).toHaveText('unclaimed')
  expect(await looks(page, mock.url)).toEqual([])
  await expect(page.locator('body')).not.toContainText(name) // nowhere but in the call
  await call(page)
  await expect(who(page)).toContainText(name)
  await expect(who(page)).toContainText('1954-02-28 (72 years)')
  await expect(who(page)).toContainText('Cantonese')
  await expect(who(page)).toContainText('yes, alone')
  await expect(who(page)).toContainText('door code 0000')
  await expect(page.locator('.ladder .number')).toHaveText(['000-0001-0001', '000-0001-0002', '000-0001-0003', 'no number known', '000-9000-0001', '000-0120-0001'])
  await expect(page.locator('.ladder a.number').first()).toHaveAttribute('href', 'tel:00000010001')
  for (const next of ['patient-2', 'carer', 'carer-2', 'community', 'emergency', 'patient']) {
    await press(page, 'Enter') // the next has the focus
    await expect(page.locator('[data-test=dialling]')).toBeVisible()
    await press(page, next === 'carer' ? 'KeyW' : 'KeyN')
    await expect(page.locator(`[data-test=call-${next}]`)).toBeFocused()
  }
  await expect(page.locator('.next', { hasText: 'call again' })).toContainText(/4 min 5\d s|5 min/) // not reached stays open, with its clock
  await press(page, 'Digit4')
  await expect(page.locator('[data-test=dialling] a')).toHaveText('000-0120-0001')
  expect(await looks(page, mock.url)).toEqual(['nurse-a person P-0113'])
})

test('ALR-20 until both identifiers were said nobody is reached, and each call asks anew', async ({ page, mock }) => {
  await enter(page, mock, '/queue/w-0001')
  await call(page)
  await expect(who(page)).toContainText(name)
  await press(page, 'Digit1')
  await expect(page.locator('.ids input')).toHaveCount(2)
  for (const box of await page.locator('.ids input').all()) await expect(box).not.toBeChecked()
  const reached = page.locator('[data-test=call-reached]')
  await expect(reached).toHaveAttribute('aria-disabled', 'true')
  await press(page, 'KeyR')
  await expect(page.locator('.trouble')).toHaveText('First tick what was said: name and birth date.')
  await press(page, 'KeyX')
  await reached.click({ force: true }) // pale, and not disabled
  await expect(page.locator('.trouble')).toHaveText('First tick what was said: name and birth date.')
  await press(page, 'KeyN') // not reached can always be said
  await press(page, 'Digit1')
  await expect(page.locator('[data-test=dialling]')).toContainText('000-0001-0002')
  for (const box of await page.locator('.ids input').all()) await expect(box).not.toBeChecked()
  await press(page, 'KeyX')
  await press(page, 'KeyB')
  await expect(reached).toHaveAttribute('aria-disabled', 'false')
  await press(page, 'KeyR')
  await expect(page.locator('[data-test=whose]')).toHaveText('you have it, in care')
})

for (const [state, says] of Object.entries({
  none: 'Nobody has entered who this patient is', erased: 'was erased', off: 'has no vault', lost: 'cannot be opened: its key is missing', not_noted: 'Could not be opened: the look could not be noted',
}))
  test(`ALR-20 the vault is ${state}: it says so, and the call can still be noted`, async ({ page, mock }) => {
    await mock.steer('vault', { state })
    await enter(page, mock, '/queue/w-0001')
    await call(page)
    await expect(who(page)).toContainText(says)
    await press(page, 'Digit2')
    await expect(page.locator('.also')).toContainText('with the carer')
    await press(page, 'KeyR')
    await expect(page.locator('[data-test=whose]')).toHaveText('you have it, in care')
  })

test('ALR-20 the brief for 120: who, where, what, the own 120 centre; in both languages, on paper alone', async ({ page, mock }) => {
  await enter(page, mock, '/queue/w-0001')
  await call(page)
  await page.keyboard.press('KeyD')
  const brief = page.locator('dialog.brief')
  await expect(brief.locator('[data-test=own-120]')).toHaveText('000-0120-0001')
  await expect(brief).toContainText('answers in the desk’s city')
  for (const said of [name, 'female', '72 years', 'door code 0000', '000-0001-0001', 'yes, alone', 'SpO2', 'measured', 'COPD', 'nurse-a']) await expect(brief).toContainText(said)
  await accessible(page, 'brief')
  await fits(page, 'brief')
  await page.keyboard.press('KeyL')
  for (const said of ['而非患者所在城市', '女', '72 岁', '发生了什么', '血氧', '测量', '慢阻肺', '独居']) await expect(brief).toContainText(said)
  await accessible(page, 'brief in Chinese')
  await page.emulateMedia({ media: 'print' })
  await expect(page.locator('.pane > header h1')).toBeHidden()
  await expect(brief.locator('[data-test=own-120]')).toBeVisible()
  await expect(brief.locator('[data-test=print]')).toBeHidden()
  await shoot(page, 'brief-on-paper')
  await page.emulateMedia({ media: 'screen' })
  await page.evaluate(() => (window.print = () => void (document.title = 'printed')))
  await page.keyboard.press('KeyP')
  await expect(page).toHaveTitle('printed')
  await page.keyboard.press('Escape')
  await expect(brief).toHaveCount(0)
  await expect(page.locator('section.call')).toBeVisible() // the call goes on
  expect(await looks(page, mock.url)).toEqual(['nurse-a person P-0113', 'nurse-a brief P-0113'])
})

test('ALR-20 without the number of the own 120 centre the brief says what to ask 120 for', async ({ page, mock }) => {
  await mock.steer('vault', { state: 'none' })
  await enter(page, mock, '/queue/w-0001')
  await call(page)
  await page.locator('[data-test=brief]').click()
  const brief = page.locator('dialog.brief')
  await expect(brief).toContainText('Ask 120 to put you through to the patient’s city')
  await expect(brief).toContainText('SpO2') // what happened is there all the same
  await expect(brief).toContainText('72 years')
})

test('ALR-21 SEC-1 a locked desk hides who and never warnings: also over a reload, until the password is given', async ({ page, mock }) => {
  await enter(page, mock, '/queue/w-0001')
  await call(page)
  await expect(who(page)).toContainText(name)
  await page.keyboard.press('KeyD')
  await expect(page.locator('dialog.brief')).toContainText(name)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Shift+KeyL')
  await expect(page.locator('.locked')).toContainText('of whom they are is hidden')
  await expect(page.locator('[data-test=waits] li').first()).toBeVisible()
  const nobody = async () => expect(await page.content()).not.toMatch(/Demo Patient|000-0001|Demo Road|1954|P-0\d\d\d/)
  await nobody()
  const high = page.locator('.counts .chip.high')
  const highs = Number(await high.locator('b').textContent())
  const before = await looks(page, mock.url)
  await mock.steer('raise', { severity: 'high' })
  await expect(page.locator('[role=alert]', { hasText: 'New high priority warning. The desk is locked' })).toHaveCount(1) // a new high is heard of
  await expect(high.locator('b')).toHaveText(String(highs + 1))
  await expect(page).toHaveTitle(new RegExp('高'))
  await nobody()
  for (const key of ['Digit2', 'KeyA', 'KeyT', 'KeyD']) await page.keyboard.press(key)
  await page.goto(`${mock.url}/#/groups`)
  await expect(page.locator('.locked')).toBeVisible()
  await page.goto(`${mock.url}/#/queue/w-0001`)
  await page.reload()
  await expect(page.locator('.locked')).toBeVisible()
  await expect(page.locator('[data-test=waits] li').first()).toBeVisible()
  await nobody()
  expect(await looks(page, mock.url)).toEqual(before) // nothing was asked of the vault
  expect((await page.request.get(`${mock.url}/v1/warnings`)).status()).toBe(423)
  await accessible(page, 'locked')
  await fits(page, 'locked')
  await shoot(page, 'locked-desk-en-light')
  await page.fill('[name=unlock]', 'wrong')
  await page.keyboard.press('Enter')
  await expect(page.locator('.locked [role=alert]')).toHaveText('account or password is wrong')
  await page.fill('[name=unlock]', 'mock')
  await page.keyboard.press('Enter')
  await expect(page.locator('.locked')).toHaveCount(0)
  await expect(page.locator('[data-test=whose]')).toHaveText('you have it')
  await page.keyboard.press('KeyT')
  await expect(who(page)).toContainText(name)
})

test('ALR-21 a desk at which nobody sits locks itself', async ({ page, mock }) => {
  await page.clock.install()
  await enter(page, mock, '/queue/w-0001')
  await expect(page.locator('[role=option]').first()).toBeVisible()
  await page.clock.runFor(9 * 60_000)
  await page.mouse.move(200, 200)
  await page.clock.runFor(9 * 60_000)
  await expect(page.locator('.locked')).toHaveCount(0)
  await page.clock.runFor(2 * 60_000)
  await expect(page.locator('.locked')).toBeVisible()
})

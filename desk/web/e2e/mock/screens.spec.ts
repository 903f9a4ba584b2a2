import type { Page } from '@playwright/test'
import { languages, looks, see as seeAs, settle, shoot, accessible, sizes } from '../look'
import { enter, expect, test, type Mock } from './desk'

interface Visit {
  name: string
  path: string
  ready: string
  then?: (page: Page) => Promise<void> // what is done there first
}

/** judged leaves a warning of which is not known what it was. */
async function judged(page: Page, mock: Mock) {
  const post = (path: string, data: object, key: string) => page.context().request.post(mock.url + path, { data, headers: { 'Idempotency-Key': key } })
  await post('/v1/session', { account: 'dr-lin', password: 'mock' }, '')
  await post('/v1/warnings/w-0006/accept', {}, 'j1')
  const closed = await post('/v1/warnings/w-0006/close', { outcome: 'not_known_yet', done: 'x', disposition: 'home' }, 'j2')
  expect(closed.status(), await closed.text()).toBe(200)
}

const pages: Visit[] = [
  { name: 'queue', path: '/queue', ready: '[role=option]' },
  { name: 'warning', path: '/warning/w-0001', ready: '.box canvas' },
  { name: 'groups', path: '/groups', ready: '.page li a' },
  { name: 'board', path: '/groups/demo/copd', ready: '.place' },
  { name: 'board-measures', path: '/groups/demo/heart-failure', ready: '.place' },
  { name: 'warning-condition', path: '/warning/w-0002', ready: '.inputs' },
  { name: 'packs', path: '/packs', ready: '.page li a' },
  { name: 'pack-watches', path: '/packs/heart-failure', ready: '.page table' },
  { name: 'pack-rules', path: '/packs/heart-failure/rules', ready: '.rules li' },
  { name: 'pack-tests', path: '/packs/heart-failure/tests', ready: 'details' },
  { name: 'pack-record', path: '/packs/heart-failure/record', ready: '.chart' },
  { name: 'plan', path: '/patients/demo/P-0120/plan', ready: '.conflicts li' },
  { name: 'quality', path: '/quality', ready: '[data-test=cards]' },
  { name: 'duty', path: '/duty', ready: '.card' },
  { name: 'duty-rota', path: '/duty?rota', ready: '.card', then: async (page) => {
    await page.locator('[data-test=edit-rota]').first().click()
    await expect(page.locator('[data-test=shift]').first()).toBeVisible()
  } },
  { name: 'unjudged', path: '/unjudged', ready: '[data-test=judge-now]' },
  { name: 'emergencies', path: '/emergencies', ready: '[data-test=waiting] > li', then: async (page) => {
    await page.locator('[data-test=review-now]').first().click()
    await expect(page.locator('[data-test=waiting] [role=alert]').first()).toBeVisible()
  } },
  { name: 'consents', path: '/consents', ready: '[role=option]' },
  { name: 'consents-one', path: '/consents?one', ready: '[role=option]', then: async (page) => {
    await page.locator('[role=option]').first().click()
    await expect(page.locator('[data-test=consents]')).toBeVisible()
  } },
  { name: 'consents-carry', path: '/consents?carry', ready: '[role=option]', then: async (page) => {
    await page.keyboard.press('Escape')
    await page.locator('[data-test=carry]').click()
    await page.locator('[data-test=carry-now]').click()
    await expect(page.locator('dialog [role=alert]')).toBeVisible()
  } },
  { name: 'teams', path: '/teams', ready: '[data-test=to-do] button' },
  { name: 'teams-edit', path: '/teams?edit', ready: '.card', then: async (page) => {
    await page.locator('[data-test=edit-team]').first().click()
    await expect(page.locator('[data-test=member]').first()).toBeVisible()
  } },
  { name: 'teams-choose', path: '/teams?choose', ready: '.card', then: async (page) => {
    await page.keyboard.press('Escape')
    await page.locator('[data-test=to-do] button').first().click()
    await page.locator('[data-test=choose]').click()
    await expect(page.locator('dialog [name=coordinator]')).toBeVisible()
  } },
  { name: 'patient', path: '/patients/demo/P-0113', ready: '.axis .box canvas' },
  { name: 'patient-years', path: '/patients/demo/P-0113?years', ready: '.axis .box canvas', then: async (page) => {
    await page.locator('[data-test=zoom-years]').click()
    await expect(page.locator('[data-lane=warnings] button')).not.toHaveCount(0)
    await page.locator('[data-lane=warnings] button').first().click()
    await expect(page.locator('[data-test=near]')).toBeVisible()
  } },
  { name: 'patient-foreign', path: '/patients/demo/P-0777', ready: '.note' },
  { name: 'look-back', path: '/warning/w-0001', ready: '.box canvas', then: async (page) => {
    await page.keyboard.press('KeyB')
    await expect(page.locator('[data-test=as-known]')).toBeVisible()
    await expect(page.locator('[data-test=stood]')).toBeVisible()
  } },
]

for (const [size, viewport] of Object.entries(sizes))
  for (const language of languages)
    for (const look of looks) {
      const tag = `${size}-${language}-${look}`
      test.describe(tag, () => {
        test.use({ viewport })

        test('OPS-1 every page fits, can be read, and breaks no rule of accessibility that axe knows', async ({ page, mock }) => {
          const faults: string[] = []
          page.on('console', (m) => m.type() === 'error' && !/status of 40[14]/.test(m.text()) && faults.push(m.text()))
          page.on('pageerror', (e) => faults.push(String(e)))
          await settle(page, language, look)
          await page.goto(mock.url)
          await expect(page.locator('#account')).toBeVisible()
          await seeAs(page, 'sign-in', tag)
          await page.fill('#account', 'new')
          await page.fill('#password', 'mock')
          await page.keyboard.press('Enter')
          await expect(page.locator('#fresh')).toBeVisible()
          await seeAs(page, 'password', tag)
          await judged(page, mock)
          await mock.steer('emergency', {})
          await mock.steer('emergency', { account: 'lead-wu', patient: 'P-0778' })
          // One load for all that a lead sees: what is after # is a page, and costs no load.
          await page.goto('about:blank')
          await enter(page, mock, '/queue', 'lead-wu')
          for (const p of pages) {
            await page.goto(`${mock.url}/#${p.path}`)
            await expect(page.locator(p.ready).first(), p.name).toBeVisible()
            if (p.then) await p.then(page)
            await seeAs(page, p.name, tag)
          }
          await page.goto('about:blank')
          await enter(page, mock, '/audit', 'auditor-1')
          await page.fill('[name=tenant]', 'demo')
          await page.fill('[name=patient]', 'P-0113')
          await page.locator('[data-test=look]').click()
          await expect(page.locator('tbody tr')).toHaveCount(3)
          await seeAs(page, 'audit', tag)
          expect(faults).toEqual([])
        })

        test('ALR-20 ALR-21 the call with who it is, the brief, a locked desk', async ({ page, mock }) => {
          const see = (name: string) => seeAs(page, name, tag)
          await settle(page, language, look)
          await enter(page, mock, size === 'desk' ? '/queue/w-0001' : '/warning/w-0001')
          await page.locator('footer [data-test=accept]').click()
          await page.locator('footer [data-test=call]').click()
          await expect(page.locator('[data-test=who][data-state=known]')).toBeVisible()
          await see('call-choice')
          await page.locator('[data-test=call-patient]').click()
          await expect(page.locator('.ids input')).toHaveCount(2)
          await page.locator('[data-test=call-reached]').click({ force: true })
          await expect(page.locator('.trouble')).not.toBeEmpty()
          await see('call-needs-ids')
          for (const box of await page.locator('.ids input').all()) await box.check()
          await see('call-checked')
          await page.locator('[data-test=call-no_answer]').click()
          await expect(page.locator('[data-test=call-patient-2]')).toBeFocused()
          await see('call-next')
          await page.locator('[data-test=brief]').click()
          await expect(page.locator('[data-test=own-120]')).toBeVisible()
          await see('brief')
          await page.keyboard.press('Escape')
          for (const state of ['none', 'off', 'not_noted']) {
            await mock.steer('vault', { state })
            await page.keyboard.press('Escape')
            await page.locator('footer [data-test=call]').click()
            await expect(page.locator(`[data-test=who][data-state=${state === 'not_noted' ? 'failed' : state}]`)).toBeVisible()
            await see(`call-vault-${state}`)
          }
          await page.keyboard.press('Shift+KeyL')
          await expect(page.locator('.locked')).toBeVisible()
          await see('locked')
        })

        test('ALR-9 ALR-12 ALR-20 ALR-22 what can be done: every panel', async ({ page, mock, browser }) => {
          const see = (name: string) => seeAs(page, name, tag)
          const pane = async (id: string) => {
            await page.goto(`${mock.url}/#/${size === 'desk' ? 'queue' : 'warning'}/${id}`)
            await expect(page.locator('[data-test=whose]')).toBeVisible()
            await expect(page.locator('.box canvas, .note').first()).toBeVisible()
          }
          const press = (verb: string) => page.locator(`footer [data-test=${verb}]`).click()
          const cancel = () => page.locator('footer form, footer .call').getByRole('button').filter({ hasText: /^(Cancel|取消|Later|稍后填写)$/ }).click()
          await settle(page, language, look)
          await mock.steer('shelve', { id: 'w-0003' })
          await mock.steer('plan', { id: 'w-0005' })
          await enter(page, mock, '/queue')
          await expect(page.locator('[role=option]')).toHaveCount(6)
          await see('acts-queue')
          await pane('w-0003')
          await see('acts-shelved')
          await pane('w-0005')
          await see('acts-planned')
          await pane('w-0001')
          await page.locator('[data-test=disown]').click()
          await expect(page.locator('dialog [name=at]').first()).toBeVisible()
          await see('acts-disown')
          await page.keyboard.press('Escape')
          await press('accept')
          await expect(page.locator('footer [data-test=call]')).toBeVisible()
          await see('acts-accepted')
          await press('call')
          await expect(page.locator('[data-test=call-patient]')).toBeFocused()
          await see('acts-call')
          await page.locator('[data-test=call-patient]').click()
          await expect(page.locator('[data-test=call-reached]')).toBeVisible()
          await see('acts-on-call')
          await page.locator('[data-test=call-no_answer]').click()
          await expect(page.locator('[data-test=call-patient-2]')).toBeFocused()
          await see('acts-not-reached')
          await cancel()
          await press('offer')
          await see('acts-offer')
          await page.fill('[name=to]', 'nurse-b')
          await page.locator('footer [data-test=send]').click()
          await expect(page.locator('.also', { hasText: 'nurse-b' })).toBeVisible()
          await press('shelve')
          await see('acts-shelve')
          await page.locator('footer [data-test=send]').click()
          await see('acts-shelve-needs')
          await page.fill('footer [name=reason]', 'a visit is on its way')
          await page.locator('.segments label').nth(2).click()
          await page.locator('footer [data-test=send]').click()
          await expect(page.locator('[data-test=shelf-ask]')).toBeVisible()
          await see('acts-asked')
          await press('note')
          await see('acts-note')
          await cancel()
          await press('call')
          await page.locator('[data-test=call-carer]').click()
          for (const box of await page.locator('.ids input').all()) await box.check()
          await page.locator('[data-test=call-reached]').click()
          await expect(page.locator('footer [data-test=close]')).toBeVisible()
          await see('acts-in-care')
          await press('close')
          await see('acts-close')
          const other = await browser.newPage({ viewport })
          await settle(other, language, look)
          await enter(other, mock, '/warning/w-0001', 'nurse-b')
          await expect(other.locator('[data-test=agree]')).toBeVisible()
          await shoot(other, `acts-agree-${tag}`)
          await accessible(other, 'agree')
          await other.close()
          await page.locator('footer [name=outcome]').selectOption('not_known_yet')
          await page.fill('footer [name=done]', 'x')
          await page.locator('footer [name=disposition]').selectOption('home')
          await page.locator('[data-test=close-now]').click()
          await expect(page.locator('[data-test=whose]')).toHaveText(/^(closed|已结案)$/)
          await page.goto(`${mock.url}/#/unjudged`)
          await expect(page.locator('[data-test=judge-now]')).toBeVisible()
          await see('acts-unjudged')
          await page.goto(`${mock.url}/#/queue`)
          await page.locator('[data-test=raise]').click()
          await expect(page.locator('[name=patient]')).toBeVisible()
          await see('acts-raise')
          await page.keyboard.press('Escape')
          await page.goto(`${mock.url}/#/groups/demo/diabetes`)
          await page.locator('[data-test=more]').first().click()
          await expect(page.locator('[data-test=do-leave]')).toBeVisible()
          await see('acts-menu')
          await page.locator('[data-test=do-leave]').click()
          await see('acts-leave')
          await page.locator('[name=why]').first().check()
          await page.locator('[data-test=leave-now]').click()
          await expect(page.locator('section.left')).toBeVisible()
          await page.locator('section.left').scrollIntoViewIfNeeded()
          await see('acts-left')
          await page.locator('section.left button').first().click()
          await page.locator('[data-test=do-resume]').click()
          await see('acts-resume')
        })
      })
    }

for (const language of languages)
  test(`wall-${language}`, async ({ page, mock }) => {
    await settle(page, language, 'wall')
    await enter(page, mock, '/queue')
    await page.waitForSelector('.wall-queue li')
    await seeAs(page, 'wall', language)
  })

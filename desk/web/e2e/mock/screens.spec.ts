import { accessible, fits, languages, looks, settle, shoot, sizes } from '../look'
import { enter, expect, test } from './desk'

const pages = [
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
]

for (const [size, viewport] of Object.entries(sizes))
  for (const language of languages)
    for (const look of looks) {
      const tag = `${size}-${language}-${look}`
      test.describe(tag, () => {
        test.use({ viewport })

        test('sign-in', async ({ page, mock }) => {
          await settle(page, language, look)
          await page.goto(mock.url)
          await expect(page.locator('#account')).toBeVisible()
          await shoot(page, `sign-in-${tag}`)
          await accessible(page, 'sign-in')
          await page.fill('#account', 'new')
          await page.fill('#password', 'mock')
          await page.keyboard.press('Enter')
          await expect(page.locator('#fresh')).toBeVisible()
          await shoot(page, `password-${tag}`)
          await accessible(page, 'password')
          await fits(page, 'password')
        })

        for (const p of pages)
          test(p.name, async ({ page, mock }) => {
            const faults: string[] = []
            page.on('console', (m) => m.type() === 'error' && faults.push(m.text()))
            page.on('pageerror', (e) => faults.push(String(e)))
            await settle(page, language, look)
            await enter(page, mock, p.path)
            await page.waitForSelector(p.ready)
            if (p.name === 'queue' && size === 'desk') await page.waitForSelector('.box canvas')
            await page.waitForTimeout(300) // the picture alone: no check below depends on it
            await shoot(page, `${p.name}-${tag}`)
            await fits(page, p.name)
            await accessible(page, p.name)
            expect(faults.filter((f) => !f.includes('401'))).toEqual([])
          })

        test('ALR-20 ALR-21 the call with who it is, the brief, a locked desk', async ({ page, mock }) => {
          const see = async (name: string) => {
            await shoot(page, `${name}-${tag}`)
            await fits(page, name)
            await accessible(page, name)
          }
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
          const see = async (name: string) => {
            await shoot(page, `${name}-${tag}`)
            await fits(page, name)
            await accessible(page, name)
          }
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
    await shoot(page, `wall-${language}`)
    await fits(page, 'wall')
    await accessible(page, 'wall')
  })

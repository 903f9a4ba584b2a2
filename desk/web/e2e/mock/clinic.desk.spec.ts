import { type Page } from '@playwright/test'
import { accessible, fits, languages, settle, shoot, sizes } from '../look'
import { enter, expect, test } from './desk'

const option = (page: Page) => page.locator('.list [role=option]')
const clinic = (page: Page) => page.locator('[data-test=clinic]')
const words = {
  en: { none: 'No clinic', all: 'All clinics', hidden: /^▲?.*2 high not in this choice/, east: 'East Street Clinic', three: '3 patients', closed: 'Lakeside Clinic (closed)' },
  zh: { none: '无社区中心', all: '全部社区中心', hidden: /另有 2 条高优先级不在所选范围/, east: '东街社区卫生服务中心', three: '3 名患者', closed: '湖滨社区卫生服务中心 (已停用)' },
}

for (const language of languages) {
  test(`ALR-14 the queue by clinic: kept in the address, told what it hides, ${language}`, async ({ page, mock }) => {
    const w = words[language]
    await settle(page, language, 'light')
    await enter(page, mock)
    await expect(option(page)).toHaveCount(6)
    await expect(page.locator('[data-test=clinic-name]')).toHaveText(w.east)
    await expect(clinic(page).locator('option')).toContainText([w.all, w.east, '', w.closed, w.none])
    await clinic(page).selectOption('demo/east') // P-0113, a high, and whoever else is there
    await expect(page).toHaveURL(/clinic=demo(\/|%2F)east/)
    await expect(option(page).first()).toContainText('P-0113')
    await expect(option(page)).toHaveCount(2)
    await expect(page.locator('[data-test=hidden]')).toContainText('1')
    await clinic(page).selectOption('-')
    await expect(option(page)).toHaveCount(0) // the gateway's fault is about nobody
    await expect(page.locator('[data-test=hidden]')).toHaveText(w.hidden)
    await page.reload()
    await expect(clinic(page)).toHaveValue('-')
    await clinic(page).selectOption('demo/east')
    await page.locator('select.group').selectOption('demo/copd')
    await page.locator('input.search').fill('P-0113')
    await expect(option(page)).toHaveCount(1)
    await expect(page).toHaveURL(/group=demo(\/|%2F)copd/)
    await page.keyboard.press('Escape')
    await page.locator('[data-test=hidden]').click()
    await expect(option(page)).toHaveCount(6)
    await expect(page).not.toHaveURL(/clinic=/)
    await clinic(page).selectOption('demo/west')
    for (const [size, box] of Object.entries(sizes)) {
      await page.setViewportSize(box)
      await expect(option(page).first()).toBeVisible()
      await fits(page, `queue by clinic ${size}`)
      await shoot(page, `queue-clinic-${size}-${language}`)
    }
    await accessible(page, `queue by clinic ${language}`)
  })

  test(`GRP-11 a board by clinic: its numbers are those of the clinic, ${language}`, async ({ page, mock }) => {
    const w = words[language]
    await settle(page, language, 'light')
    await enter(page, mock, '/groups/demo/copd')
    await expect(page.locator('tbody tr')).toHaveCount(10)
    await clinic(page).selectOption('demo/west')
    await expect(page).toHaveURL(/clinic=demo(\/|%2F)west/)
    await expect(page.locator('tbody tr')).toHaveCount(3)
    await expect(page.locator('header p')).toContainText(w.three)
    await expect(page.locator('[data-test=hidden]')).toContainText('1') // P-0113 has a high, at another clinic
    await accessible(page, `board by clinic ${language}`)
    await page.reload()
    await expect(page.locator('tbody tr')).toHaveCount(3)
    for (const [size, box] of Object.entries(sizes)) {
      await page.setViewportSize(box)
      await fits(page, `board by clinic ${size}`)
      await shoot(page, `board-clinic-${size}-${language}`)
    }
    await clinic(page).selectOption('-')
    await expect(page.locator('header p')).toContainText(language === 'en' ? '1 patients' : '1 名患者')
    await page.locator('[data-test=hidden]').click()
    await expect(page).not.toHaveURL(/clinic=/)
  })

  test(`GRP-9 an administrator names a clinic, closes it, and moves a patient, ${language}`, async ({ page, mock }) => {
    await settle(page, language, 'light')
    await enter(page, mock, '/patients', 'admin-a')
    await page.locator('[data-test=clinics]').click()
    await expect(page.locator('dialog li')).toHaveCount(3)
    await accessible(page, `clinics ${language}`)
    await page.locator('[data-test=new-clinic]').click()
    await page.locator('dialog [data-test=send]').click()
    await expect(page.locator('dialog [aria-invalid=true]').first()).toBeFocused()
    await page.locator('dialog [name=tenant]').selectOption('demo')
    await page.fill('dialog [name=clinic]', 'north')
    await page.fill('dialog [name=en]', 'call 01088887777')
    await page.locator('dialog [data-test=send]').click()
    await expect(page.locator('dialog .refused')).toContainText(language === 'en' ? 'telephones belong' : '电话请填入')
    await page.fill('dialog [name=en]', 'North Gate Clinic')
    await page.fill('dialog [name=zh]', '北门社区卫生服务中心')
    await page.keyboard.press('Enter')
    await expect(page.locator('dialog li')).toHaveCount(4)
    await page.keyboard.press('Escape')
    await page.locator('input[type=search]').fill('P-0001')
    await page.locator('[role=option]').first().click()
    await expect(page.locator('dialog dl')).toContainText(language === 'en' ? 'West Bridge' : '西桥')
    await page.locator('[data-test=do-clinic]').click()
    await page.locator('dialog [name=clinic]').selectOption('north')
    await accessible(page, `move to a clinic ${language}`)
    await page.locator('dialog [data-test=send]').click()
    await page.locator('input[type=search]').fill('')
    await clinic(page).selectOption('demo/north')
    await expect(page.locator('[role=option]')).toHaveCount(1)
    await expect(page.locator('[role=option]')).toContainText('P-0001')
  })
}

test('SEC-5 an account is made for clinics', async ({ page, mock }) => {
  await settle(page, 'en', 'light')
  await enter(page, mock, '/accounts', 'admin-a')
  await page.locator('[data-test=new-account]').click()
  await page.fill('[name=name]', 'clinic-east')
  await page.locator('[name=role]').selectOption('clinic')
  await page.getByLabel('clinic East Street Clinic').check()
  await page.locator('[data-test=send]').click()
  await page.locator('[data-test=kept]').click()
  await expect(page.locator('[role=option]', { hasText: 'clinic-east' })).toContainText('clinic demo/east')
})

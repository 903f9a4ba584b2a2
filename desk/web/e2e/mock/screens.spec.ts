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

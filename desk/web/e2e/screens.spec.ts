import { expect, test } from '@playwright/test'
import { open, signIn, unclaimed, up } from './desk'
import { accessible, fits, languages, looks, settle, shoot, sizes } from './look'

// Every page on real data, in both languages, light and dark, at the desk and on a phone.
for (const [size, viewport] of Object.entries(sizes))
  for (const language of languages)
    for (const look of looks)
      test.describe(`${size} ${language} ${look}`, () => {
        test.use({ viewport })

        test('OPS-1 every page stands, breaks no rule of accessibility that axe knows, and fits the screen', async ({ page }) => {
          const faults: string[] = []
          page.on('pageerror', (e) => faults.push(String(e)))
          page.on('console', (m) => m.type() === 'error' && !m.text().includes('401') && faults.push(m.text()))
          const { url } = up()
          const see = async (name: string) => {
            await shoot(page, `real-${name}-${size}-${language}-${look}`)
            await fits(page, name)
            await accessible(page, name)
          }
          await settle(page, language, look)
          await page.goto(url)
          await expect(page.locator('#account')).toBeVisible()
          await see('sign-in')
          await signIn(page)
          await unclaimed(page.context().request, ['high', 'medium', 'low', 'technical'])
          const all = await open(page.context().request)
          const grave = all.find((w) => w.severity === 'high') ?? all.find((w) => w.severity === 'medium') ?? all[0]!
          await page.goto(`${url}/?in#/queue${size === 'desk' ? '/' + grave.id : ''}`)
          await expect(page.locator('[role=option]').first()).toBeVisible()
          if (size === 'desk') await expect(page.locator('.box canvas, .note').first()).toBeVisible()
          await see('queue')
          await page.goto(`${url}/#/warning/${grave.id}`)
          await expect(page.locator('.box canvas, .note').first()).toBeVisible()
          await see('warning')
          await page.goto(`${url}/#/groups`)
          await expect(page.locator('.page li a').first()).toBeVisible()
          await see('groups')
          await page.goto(`${url}/#/groups/${grave.tenant}/${grave.group}`)
          await expect(page.locator('.place').first()).toBeVisible()
          await see('board')
          const { groups } = await (await page.context().request.get(`${url}/v1/patients/${grave.tenant}/${encodeURIComponent(grave.patient)}/plan`)).json()
          await page.goto(`${url}/#/patients/${grave.tenant}/${grave.patient}/plan`)
          await expect(page.locator('.plan tbody').first()).toBeVisible()
          await see('plan')
          await page.goto(`${url}/#/packs`)
          await expect(page.locator('.page li a').first()).toBeVisible()
          await see('packs')
          for (const part of ['watches', 'rules', 'tests', 'record']) {
            await page.goto(`${url}/#/packs/${groups[0].pack}/${part}`)
            await expect(page.locator('.page section').first()).toBeVisible()
            await see(`pack-${part}`)
          }
          expect(faults).toEqual([])
        })
      })

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, type Page } from '@playwright/test'
import { desk, phone } from './browser'

export type Language = 'zh' | 'en'
export type Look = 'light' | 'dark' | 'wall'
export const languages: Language[] = ['zh', 'en']
export const looks: Look[] = ['light', 'dark']
export const sizes = { desk, phone }

/** settle gives a page the language and look before it loads. */
export async function settle(page: Page, language: Language, look: Look) {
  await page.addInitScript(
    (s) => {
      if (!sessionStorage.getItem('settled')) localStorage.setItem('tocsin.settings', s)
      sessionStorage.setItem('settled', '1')
    },
    JSON.stringify({ language, look, keys: true }),
  )
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** accessible runs axe over the page as it stands: WCAG 2.2 A and AA, and no violation. */
export async function accessible(page: Page, what: string) {
  await page.evaluate(axe) // not as a script tag: the desk's own policy forbids those, rightly
  const found = await page.evaluate(async () => {
    // @ts-expect-error axe is put into the page above
    const r = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return r.violations.map((v: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')}: ${n.failureSummary}`) }))
  })
  expect(found, `${what}: axe`).toEqual([])
}

/** shoot takes a picture into the folder that git does not see. */
export async function shoot(page: Page, name: string) {
  await page.screenshot({ path: new URL(`../screenshots/${name}.png`, import.meta.url).pathname, animations: 'disabled' })
}

/** fits checks that nothing is cut off to the side: no page may scroll sideways. */
export async function fits(page: Page, what: string) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(over, `${what}: wider than the screen`).toBeLessThanOrEqual(0)
}

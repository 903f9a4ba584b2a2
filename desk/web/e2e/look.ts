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
      if (location.protocol === 'about:') return // between two who sign in: nothing is kept there
      if (!sessionStorage.getItem('settled')) localStorage.setItem('tocsin.settings', s)
      sessionStorage.setItem('settled', '1')
    },
    JSON.stringify({ language, look, keys: true }),
  )
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** see looks at a page as it stands: it fits the screen, its text can be read, its colours mean severities, and axe finds nothing. */
export async function see(page: Page, name: string, tag: string) {
  await shoot(page, `${name}-${tag}`)
  await fits(page, name)
  await accessible(page, name)
}

/** accessible checks what DESK.md asks of every screen's text and colours, and runs axe over the page as it stands: WCAG 2.2 A and AA, and no violation. */
export async function accessible(page: Page, what: string) {
  await plain(page, what)
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe) // not as a script tag: the desk's own policy forbids those, rightly
  const found = await page.evaluate(async () => {
    // @ts-expect-error axe is put into the page above
    const r = await window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return r.violations.map((v: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')}: ${n.failureSummary}`) }))
  })
  expect(found, `${what}: axe`).toEqual([])
}

/** shoot takes a picture into the folder that git does not see, when somebody wants to look: TOCSIN_SHOTS=1. It costs more than all checks. */
export async function shoot(page: Page, name: string) {
  if (!process.env.TOCSIN_SHOTS) return
  await page.screenshot({ path: new URL(`../screenshots/${name}.png`, import.meta.url).pathname, animations: 'disabled' })
}

/** fits checks that nothing is cut off to the side: no page may scroll sideways. */
export async function fits(page: Page, what: string) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(over, `${what}: wider than the screen`).toBeLessThanOrEqual(0)
}

/** plain checks what DESK.md asks of every screen and axe does not: no text below 12 px, no colour that is no severity. The patient's own page says a danger (#danger) in the colour of the gravest. */
export async function plain(page: Page, what: string) {
  const found = await page.evaluate(() => {
    const bad: string[] = []
    const name = (e: Element) => `${e.tagName.toLowerCase()}.${e.getAttribute('class') ?? ''} "${e.textContent!.trim().slice(0, 30)}"`
    const colourful = (c: string) => {
      const [r = 0, g = 0, b = 0, a = 1] = (c.match(/[\d.]+/g) ?? []).map(Number)
      return a > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 24
    }
    for (const e of document.querySelectorAll('body *')) {
      if (e.closest('.chip, .bar, svg, canvas, [class*=n-], #danger') || !e.getClientRects().length) continue
      const style = getComputedStyle(e)
      const text = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent!.trim())
      if (text && parseFloat(style.fontSize) < 12) bad.push(`${style.fontSize}: ${name(e)}`)
      if ((text && colourful(style.color)) || colourful(style.backgroundColor)) bad.push(`${style.color} on ${style.backgroundColor}: ${name(e)}`)
    }
    return bad.slice(0, 5)
  })
  expect(found, `${what}: small text, or a colour that is no severity`).toEqual([])
}

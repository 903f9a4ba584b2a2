import { accessible, fits, languages, looks, settle, shoot } from '../look'
import { enter, expect, test } from './desk'
import type { Page } from '@playwright/test'

/** A browser with a push service of nobody's: Debian's Chromium has none. permission is what the person answers. */
const withPush = (page: Page, permission: 'granted' | 'denied') =>
  page.addInitScript((permission) => {
    const key = 'mock.push'
    const asJSON = (endpoint: string) => ({ endpoint, keys: { p256dh: 'BCVx', auth: 'AAAA' } })
    const subscription = () => {
      const endpoint = localStorage.getItem(key)
      return endpoint ? { endpoint, toJSON: () => asJSON(endpoint), unsubscribe: () => (localStorage.removeItem(key), Promise.resolve(true)) } : null
    }
    const registration = {
      active: {}, installing: null, waiting: null,
      pushManager: {
        getSubscription: () => Promise.resolve(subscription()),
        subscribe: (o: { userVisibleOnly: boolean; applicationServerKey: Uint8Array }) => {
          if (!o.userVisibleOnly || o.applicationServerKey.length !== 65) return Promise.reject(new Error('key'))
          localStorage.setItem(key, `https://push.example/${localStorage.getItem('mock.bad') ? '' : 'x'}`)
          return Promise.resolve(subscription())
        },
      },
    }
    const asked: string[] = []
    Object.assign(window, { asked })
    Object.defineProperty(navigator, 'serviceWorker', {
      value: { register: (url: string, o: { scope: string }) => (asked.push(`${url} ${o.scope}`), Promise.resolve(registration)), getRegistration: () => Promise.resolve(registration) },
    })
    let given = 'default'
    Object.defineProperty(window, 'Notification', { value: { get permission() { return given }, requestPermission: () => Promise.resolve((given = permission)) } })
  }, permission)

for (const language of languages)
  test.describe(language, () => {
    const look = looks[language === 'zh' ? 0 : 1]!
    const says = language === 'zh' ? { on: '已开启', off: '未开启', blocked: '禁止' } : { on: 'On:', off: 'Off:', blocked: 'blocked' }

    test('ALR-11 notices in this browser are turned on and off in the menu', async ({ page, mock }) => {
      await withPush(page, 'granted')
      await settle(page, language, look)
      await enter(page, mock)
      const push = page.locator('[data-test=push]')
      const menu = () => page.getByRole('button', { name: /nurse-a/ }).click()
      await menu()
      await expect(push).toContainText(says.off)
      expect(await page.evaluate(() => (window as unknown as { asked: string[] }).asked)).toEqual([]) // nothing is registered before somebody wants it
      await push.getByRole('button').click()
      await expect(push).toContainText(says.on)
      await expect(push.getByRole('button')).toHaveAttribute('aria-pressed', 'true')
      expect(await page.evaluate(() => (window as unknown as { asked: string[] }).asked)).toEqual(['push-worker.js push-notices/'])
      await shoot(page, `push-on-${language}`)
      await fits(page, 'push')
      await accessible(page, 'push')
      await page.reload()
      await menu()
      await expect(push).toContainText(says.on) // the desk knows it
      await push.getByRole('button').click()
      await expect(push).toContainText(says.off)
    })

    test('ALR-11 notices that are blocked, and a hospital without them', async ({ page, mock }) => {
      await withPush(page, 'denied')
      await settle(page, language, look)
      await enter(page, mock)
      const push = page.locator('[data-test=push]')
      const menu = () => page.getByRole('button', { name: /nurse-a/ }).click()
      await menu()
      await push.getByRole('button').click()
      await expect(push).toContainText(says.blocked)
      await expect(push.getByRole('button')).toHaveCount(0)
      await mock.steer('pushless')
      await page.reload()
      await menu()
      await expect(page.locator('[data-test=lock]')).toBeVisible()
      await expect(push).toHaveCount(0)
    })
  })

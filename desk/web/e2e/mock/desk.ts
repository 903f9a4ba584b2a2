import { test as base, expect, type Page } from '@playwright/test'
import { start } from './server.mjs'

export interface Mock {
  url: string
  steer: (what: string, o?: object) => Promise<void>
}

/** A mock desk for each test. */
export const test = base.extend<{ mock: Mock }>({
  // eslint-disable-next-line no-empty-pattern
  mock: async ({}, use) => {
    const s = await start()
    const url = `http://127.0.0.1:${s.port}`
    await use({ url, steer: async (what, o = {}) => void (await fetch(`${url}/mock/${what}`, { method: 'POST', body: JSON.stringify(o) })) })
    s.stop()
  },
})

export { expect }

/** enter signs in over the API, so that a test of another page need not. */
export async function enter(page: Page, mock: Mock, path = '/queue', account = 'nurse-a') {
  await page.context().request.post(`${mock.url}/v1/session`, { data: { account, password: 'mock' } })
  await page.goto(`${mock.url}/#${path}`)
}

import { defineConfig } from '@playwright/test'
import { browser, desk } from './browser'

// The screens against a small server with the desk's API and nothing behind it: every look, and what a real desk
// shows seldom. `npm run build` first.
export default defineConfig({
  testDir: './mock',
  outputDir: '../test-results/mock',
  workers: 1,
  timeout: 60_000,
  reporter: [['list']],
  use: { ...browser, viewport: desk, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' },
})

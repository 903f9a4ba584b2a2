import { defineConfig } from '@playwright/test'
import { browser, desk } from './browser'

// The screens against a small server with the desk's API and nothing behind it: what a real desk shows seldom
// (desk.spec.ts, run by make test), and every look (screens.spec.ts, by hand while building: the tests on the real desk
// look at every page too). `npm run build` first.
export default defineConfig({
  testDir: './mock',
  outputDir: '../test-results/mock',
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: { ...browser, viewport: desk, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' },
})

import { defineConfig } from '@playwright/test'
import { browser, desk } from './browser'

// A real desk and a real Keycloak, which TestSEC1_OIDCOverKeycloak starts: its address stands in TOCSIN_DESK.
export default defineConfig({
  testDir: './oidc',
  outputDir: '../test-results/oidc',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: { ...browser, viewport: desk, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' },
})

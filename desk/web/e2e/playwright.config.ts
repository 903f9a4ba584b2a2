import { defineConfig } from '@playwright/test'
import { browser, desk } from './browser'

// The screens on a real `bin/tocsin up --demo`: own ports, own folder, stopped at the end. `make build` first.
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  testIgnore: ['mock/**', 'oidc/**'],
  outputDir: '../test-results/real',
  globalSetup: './up.ts',
  workers: 1,
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: { ...browser, viewport: desk, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', trace: 'retain-on-failure' },
})

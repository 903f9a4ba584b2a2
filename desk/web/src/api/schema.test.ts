import { readFileSync } from 'node:fs'
import openapi, { astToString } from 'openapi-typescript'
import { expect, it } from 'vitest'

it('the client is the one that desk/openapi.json describes; else: npm run api', async () => {
  const made = astToString(await openapi(new URL('../../../openapi.json', import.meta.url)))
  const kept = readFileSync(new URL('schema.d.ts', import.meta.url), 'utf8')
  expect(kept.slice(kept.indexOf('export interface paths')).trim()).toBe(made.slice(made.indexOf('export interface paths')).trim())
})

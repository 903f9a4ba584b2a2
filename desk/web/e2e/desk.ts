import { readFileSync } from 'node:fs'
import { createServer, connect, type Socket } from 'node:net'
import { expect, type APIRequestContext, type Page } from '@playwright/test'
import type { Warning } from '../src/api/types'
import type { Up } from './up'

/** up is the desk that the set-up started. */
export const up = () => JSON.parse(readFileSync(new URL('.state/up.json', import.meta.url), 'utf8')) as Up

/** signInAs puts the session of a lead or of an auditor into the page's browser. */
export async function signInAs(page: Page, who: 'lead' | 'auditor') {
  const { url, ...of } = up()
  const res = await page.context().request.post(`${url}/v1/session`, { data: of[who] })
  expect(res.status(), await res.text()).toBe(200)
}

/** signIn puts a session into the page's browser; by hand it is done in the test of signing in. */
export async function signIn(page: Page, who = 0, url = up().url) {
  const res = await page.context().request.post(`${url}/v1/session`, { data: up().nurses[who]! })
  expect(res.status(), await res.text()).toBe(200)
}

/** open answers the open warnings. */
export async function open(request: APIRequestContext): Promise<Warning[]> {
  const res = await request.get(`${up().url}/v1/warnings?state=open`)
  if (!res.ok()) throw new Error(`open warnings: ${res.status()} ${await res.text()}`)
  return (await res.json()).warnings
}

/** unclaimed waits until a warning of a severity asks for somebody. */
export async function unclaimed(request: APIRequestContext, severities: string[] = ['high', 'medium'], within = 60_000): Promise<Warning> {
  let found: Warning | undefined
  await expect
    .poll(async () => (found = (await open(request)).find((w) => w.owner === '' && severities.includes(w.severity))) !== undefined, { timeout: within })
    .toBe(true)
  return found!
}

/** A road to the desk that can be closed, as when a cable is pulled. */
export async function road() {
  const to = new URL(up().url)
  const sockets = new Set<Socket>()
  let closed = false
  const server = createServer((near) => {
    if (closed) return void near.destroy()
    const far = connect(Number(to.port), to.hostname)
    for (const [a, b] of [[near, far], [far, near]] as const) {
      sockets.add(a)
      a.pipe(b)
      a.on('error', () => b.destroy())
      a.on('close', () => (sockets.delete(a), b.destroy()))
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    cut: () => ((closed = true), sockets.forEach((s) => s.destroy())),
    mend: () => (closed = false),
    end: () => (sockets.forEach((s) => s.destroy()), server.close()),
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('window', {})
const { bytesOf, idOf } = await import('./push')

interface Shown {
  title: string
  body: string
  tag: string
  data: { alert: string }
}

/** worker runs the service worker's text with nothing around it, and answers how it is woken. */
function worker(windows: { url: string; focused?: boolean; went?: string }[] = []) {
  const heard: Record<string, (e: unknown) => void> = {}
  const shown: Shown[] = []
  const opened: string[] = []
  const self = {
    location: { href: 'https://desk.example/ward/push-worker.js' },
    addEventListener: (name: string, fn: (e: unknown) => void) => (heard[name] = fn),
    registration: { showNotification: (title: string, o: Omit<Shown, 'title'>) => shown.push({ title, ...o }) },
    clients: {
      matchAll: () => Promise.resolve(windows.map((w) => ({ url: w.url, focus: () => ((w.focused = true), Promise.resolve()), navigate: (u: string) => ((w.went = u), Promise.resolve()) }))),
      openWindow: (u: string) => (opened.push(u), Promise.resolve()),
    },
  }
  new Function('self', readFileSync(join(import.meta.dirname, '../../public/push-worker.js'), 'utf8'))(self)
  const wake = async (name: string, e: object) => {
    let done: unknown
    heard[name]!({ ...e, waitUntil: (p: unknown) => (done = p) })
    await done
  }
  const push = (said: unknown) => wake('push', { data: said === undefined ? null : { json: () => (typeof said === 'string' ? JSON.parse(said) : said) } })
  const click = (alert: string) => wake('notificationclick', { notification: { close: () => {}, data: { alert } } })
  return { heard, shown, opened, push, click }
}

describe('ALR-11 the service worker', () => {
  it('shows what it is sent, and the same notice again in its place', async () => {
    const w = worker()
    await w.push({ v: 1, notice: 'n1', title: 'T', text: 'high priority', alert: 'a-1' })
    expect(w.shown).toMatchObject([{ title: 'T', body: 'high priority', tag: 'n1', data: { alert: 'a-1' } }])
  })

  it('shows something for what it cannot read: a browser ends a page that is silent', async () => {
    const w = worker()
    for (const said of [undefined, 'no json', [], { alert: '"><script>', title: 7 }]) await w.push(said)
    expect(w.shown).toHaveLength(4)
    for (const s of w.shown) expect(s).toMatchObject({ title: 'Tocsin 早期预警 early warning', body: '请查看预警台。 Look at the desk.', data: { alert: '' } })
  })

  it('leads to the warning, in a window of the desk where there is one', async () => {
    const there = { url: 'https://desk.example/ward/#/queue', went: '', focused: false }
    const w = worker([{ url: 'https://elsewhere.example/' }, there])
    await w.click('a-1')
    expect(there).toMatchObject({ focused: true, went: 'https://desk.example/ward/#/warning/a-1' })
    const alone = worker()
    await alone.click('a-1')
    await alone.click('')
    expect(alone.opened).toEqual(['https://desk.example/ward/#/warning/a-1', 'https://desk.example/ward/'])
  })

  it('does nothing else: no page is held, no request answered', () => expect(Object.keys(worker().heard).sort()).toEqual(['notificationclick', 'push']))
})

describe('the id of a browser', () => {
  it('is made as the desk makes it', async () => expect(await idOf('https://push.example/x')).toBe('bed71523b4c5b03f2a9323423'))
  it('the key is read from base64url', () => expect([...bytesOf('-_8B')]).toEqual([251, 255, 1]))
})

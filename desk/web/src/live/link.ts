import { messages, type Message } from './events'

/** Ended says why a stream will not be asked for again. */
export type Ended = 'signed-out' | 'stopped'

export interface LinkOptions {
  url: string
  take: (m: Message) => void
  /** up is called when the stream stands, with the server's date, and down when it broke. */
  up: (date: string | null) => void
  down: () => void
  ended: (why: Ended) => void
  fetch?: typeof fetch
  /** How long the stream may be silent before it counts as broken; the server says its status every second or two. */
  quietMs?: number
}

/** wait answers how long to wait before attempt n (from 0): at once, then doubling to 4 s, spread so that desks do not come back in step. */
export function wait(attempt: number, random = Math.random()): number {
  if (attempt <= 0) return 0
  return Math.min(4000, 250 * 2 ** (attempt - 1)) * (0.5 + random / 2)
}

/**
 * follow keeps a stream of messages open until its answer is called. It is not EventSource, because that gives up for
 * ever after an error status and does not say when it was cut. After a break it goes on from the last id seen.
 */
export function follow(o: LinkOptions): () => void {
  const get = o.fetch ?? fetch.bind(globalThis)
  const quietMs = o.quietMs ?? 8_000
  const stop = new AbortController()
  let last = ''
  let attempt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function once(): Promise<Ended | null> {
    const one = new AbortController()
    const end = () => one.abort()
    stop.signal.addEventListener('abort', end)
    let quiet = setTimeout(end, quietMs)
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (last) headers['Last-Event-ID'] = last
      const res = await get(o.url, { headers, credentials: 'same-origin', cache: 'no-store', signal: one.signal })
      if (res.status === 401 || res.status === 403) return 'signed-out' // or something is owed first: who asks who is signed in is told
      if (!res.ok || !res.body) return null
      o.up(res.headers.get('Date'))
      const feed = messages((m) => {
        attempt = 0
        o.take(m)
        if (m.id) last = m.id // only once it is folded
      })
      const body = res.body.getReader()
      const text = new TextDecoder()
      for (;;) {
        const { done, value } = await body.read()
        if (done) return null
        clearTimeout(quiet)
        quiet = setTimeout(end, quietMs)
        feed(text.decode(value, { stream: true }))
      }
    } catch {
      return null // cut, refused or silent: all are answered by coming back
    } finally {
      clearTimeout(quiet)
      stop.signal.removeEventListener('abort', end)
    }
  }

  async function run() {
    while (!stop.signal.aborted) {
      const why = await once()
      if (stop.signal.aborted) break
      if (why) return o.ended(why)
      o.down()
      await new Promise<void>((go) => {
        timer = setTimeout(go, wait(++attempt))
        stop.signal.addEventListener('abort', () => go(), { once: true })
      })
    }
    clearTimeout(timer)
    o.ended('stopped')
  }

  void run()
  return () => stop.abort()
}

import { afterEach, describe, expect, it, vi } from 'vitest'
import { messages, type Message } from './events'
import { follow, wait } from './link'

describe('reading a stream', () => {
  const read = (...pieces: string[]) => {
    const got: Message[] = []
    const feed = messages((m) => got.push(m))
    pieces.forEach(feed)
    return got
  }
  it('knows id, event and data', () => expect(read('id: p0:12,p1:7\nevent: warning\ndata: {"a":1}\n\n')).toEqual([{ id: 'p0:12,p1:7', event: 'warning', data: '{"a":1}' }]))
  it('does not care where the pieces end, also between CR and LF', () =>
    expect(read('id: p0:1\r', '\nevent: st', 'atus\r\ndata: x\r\n\r', '\n')).toEqual([{ id: 'p0:1', event: 'status', data: 'x' }]))
  it('joins lines of data, passes over comments and what has no data', () =>
    expect(read(': alive\n\nretry: 1000\n\ndata: a\ndata: b\n\n')).toEqual([{ id: '', event: 'message', data: 'a\nb' }]))
  it('keeps the id for what follows without one', () => expect(read('id: 5\ndata: a\n\ndata: b\n\n').map((m) => m.id)).toEqual(['5', '5']))
  it('gives nothing of a message that was cut off', () => expect(read('data: half')).toEqual([]))
})

it('waits longer from time to time, at most 4 s, and not in step with others', () => {
  expect(wait(0)).toBe(0)
  expect([1, 2, 3, 4, 5, 9].map((n) => wait(n, 1))).toEqual([250, 500, 1000, 2000, 4000, 4000])
  expect(wait(3, 0)).toBe(500)
})

describe('following', () => {
  afterEach(() => vi.useRealTimers())

  /** A server that says what it is given and then cuts the connection, or stays silent. */
  function server(answers: { status?: number; says?: string; stays?: boolean }[]) {
    const asked: (string | null)[] = []
    const get = ((_: string, init: RequestInit) => {
      asked.push(new Headers(init.headers).get('Last-Event-ID'))
      const a = answers.shift()
      if (!a) return Promise.reject(new TypeError('unreachable'))
      const body = new ReadableStream<Uint8Array>({
        start(c) {
          if (a.says) c.enqueue(new TextEncoder().encode(a.says))
          if (!a.stays) c.close()
          init.signal?.addEventListener('abort', () => a.stays && c.error(new Error('aborted')))
        },
      })
      return Promise.resolve(new Response(body, { status: a.status ?? 200 }))
    }) as typeof fetch
    return { get, asked }
  }

  const settle = async (ms: number) => {
    for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(ms / 20)
  }

  it('comes back with the last id that was folded, also after an error status', async () => {
    vi.useFakeTimers()
    const s = server([{ says: 'id: p0:1\ndata: a\n\nid: p0:2\ndata: b\n\nid: p0:3\ndata: cut' }, { status: 503 }, { says: 'id: p0:4\ndata: d\n\n', stays: true }])
    const got: string[] = []
    const states: string[] = []
    const stop = follow({ url: '/v1/stream', fetch: s.get, take: (m) => got.push(m.data), up: () => states.push('up'), down: () => states.push('down'), ended: (why) => states.push(why) })
    await settle(5000)
    expect(s.asked).toEqual([null, 'p0:2', 'p0:2'])
    expect(got).toEqual(['a', 'b', 'd'])
    expect(states).toEqual(['up', 'down', 'down', 'up'])
    stop()
    await settle(100)
    expect(states[states.length - 1]).toBe('stopped')
  })

  it('a stream that says nothing counts as broken', async () => {
    vi.useFakeTimers()
    const s = server([{ says: 'id: 7\ndata: a\n\n', stays: true }, { stays: true }])
    const down = vi.fn()
    const stop = follow({ url: '/', fetch: s.get, take: () => {}, up: () => {}, down, ended: () => {}, quietMs: 8000 })
    await settle(7900)
    expect(down).not.toHaveBeenCalled()
    await settle(2000)
    expect(down).toHaveBeenCalledTimes(1)
    expect(s.asked).toEqual([null, '7'])
    stop()
  })

  it('a message that cannot be folded is asked for again and is not passed over', async () => {
    vi.useFakeTimers()
    const s = server([{ says: 'id: 1\ndata: a\n\nid: 2\ndata: bad\n\n' }, { says: 'id: 2\ndata: b\n\n', stays: true }])
    const got: string[] = []
    const stop = follow({
      url: '/', fetch: s.get, up: () => {}, down: () => {}, ended: () => {},
      take: (m) => {
        if (m.data === 'bad') throw new Error('no JSON')
        got.push(m.data)
      },
    })
    await settle(3000)
    expect(s.asked).toEqual([null, '1'])
    expect(got).toEqual(['a', 'b'])
    stop()
  })

  it('a session that has ended is not asked for again', async () => {
    vi.useFakeTimers()
    const s = server([{ status: 401 }])
    const ended = vi.fn()
    follow({ url: '/', fetch: s.get, take: () => {}, up: () => {}, down: () => {}, ended })
    await settle(5000)
    expect(ended).toHaveBeenCalledWith('signed-out')
    expect(s.asked).toHaveLength(1)
  })
})

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What the tests know of the desk that was started for them. */
export interface Up {
  url: string
  data: string
  demoAt: number // when the simulated ward began to publish
  first: { account: string; password: string } // the one-time password that the start printed
  nurses: { account: string; password: string }[] // accounts with passwords of their own, and so have these
  lead: { account: string; password: string }
  auditor: { account: string; password: string }
}

const here = new URL('.', import.meta.url).pathname
const binary = process.env.TOCSIN_BIN ?? join(here, '../../../bin/tocsin')
const run = promisify(execFile)

async function freePort(): Promise<number> {
  const s = createServer()
  await new Promise<void>((done) => s.listen(0, '127.0.0.1', done))
  const { port } = s.address() as { port: number }
  await new Promise((done) => s.close(done))
  return port
}

/** Starts `tocsin up --demo` and answers how to stop it. */
export default async function start(): Promise<() => Promise<void>> {
  if (!existsSync(binary)) throw new Error(`${binary} is not there: run make build, or set TOCSIN_BIN`)
  const data = mkdtempSync(join(tmpdir(), 'tocsin-e2e-'))
  const [http, mqtt, kafka] = [await freePort(), await freePort(), await freePort()]
  const child = spawn(binary, ['up', '--demo', '--data', data, '--http', `127.0.0.1:${http}`, '--mqtt', `127.0.0.1:${mqtt}`, '--kafka', `127.0.0.1:${kafka}`], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = async () => {
    await ended(child)
    rmSync(data, { recursive: true, force: true })
  }
  try {
    const said = await until(child, /account (\S+), one-time password (\S+)[^]*\n\s*demo\s/, 120_000)
    const demoAt = Date.now()
    const url = `http://127.0.0.1:${http}`
    const nurses = [await nurse(url, data, 'nurse-a'), await nurse(url, data, 'nurse-b')]
    const [lead, auditor] = [await nurse(url, data, 'lead-a', 'lead'), await nurse(url, data, 'auditor-a', 'auditor')]
    const up: Up = { lead, auditor, url, data, demoAt, first: { account: said[1]!, password: said[2]! }, nurses }
    mkdirSync(join(here, '.state'), { recursive: true })
    writeFileSync(join(here, '.state/up.json'), JSON.stringify(up))
  } catch (e) {
    await stop()
    throw e
  }
  return stop
}

/** until waits for words in what the program prints, and fails with all of it when they do not come. */
function until(child: ChildProcess, words: RegExp, within: number): Promise<RegExpMatchArray> {
  return new Promise((done, fail) => {
    let text = ''
    const timer = setTimeout(() => fail(new Error(`within ${within} ms tocsin did not print ${words}:\n${text}`)), within)
    const hear = (b: Buffer) => {
      text += b.toString()
      const m = text.match(words)
      if (!m) return
      clearTimeout(timer)
      done(m)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(new Error(`tocsin ended with ${code}:\n${text}`))
    })
  })
}

/** nurse makes an account, of a nurse unless it is said otherwise, and changes its one-time password, as the person would. */
async function nurse(url: string, data: string, account: string, role = 'nurse') {
  const { stdout } = await run(binary, ['account', 'set', account, '--role', role, '--data', data])
  const once = stdout.trim().split('\n').pop()!.trim()
  const password = `own words of ${account}`
  const post = (path: string, body: object, cookie = '') =>
    fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...(cookie ? { Cookie: cookie } : {}) }, body: JSON.stringify(body) })
  for (const deadline = Date.now() + 20_000; ; await new Promise((go) => setTimeout(go, 250))) {
    const res = await post('/v1/session', { account, password: once })
    if (res.ok) {
      const cookie = res.headers.get('set-cookie')!.split(';')[0]!
      const changed = await post('/v1/session/password', { current: once, new: password }, cookie)
      if (!changed.ok) throw new Error(`change the password of ${account}: ${changed.status} ${await changed.text()}`)
      return { account, password }
    }
    if (Date.now() > deadline) throw new Error(`sign in as ${account}: ${res.status} ${await res.text()}`)
  }
}

async function ended(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await gone
  clearTimeout(hard)
}

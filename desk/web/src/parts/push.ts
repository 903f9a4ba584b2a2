import { ref } from 'vue'
import { api, Refused } from '../api/client'

// Notices in this browser, for when nobody looks at the desk. Nobody relies on them, and the desk works without: the service worker is
// registered when they are turned on, for this alone, and holds no page.

/** none: this hospital has no such channel. cannot: this browser cannot, or the page came without HTTPS. blocked: the person has forbidden it in the browser. */
export type PushState = 'unknown' | 'none' | 'cannot' | 'blocked' | 'off' | 'on'

const worker = 'push-worker.js'
const scope = 'push-notices/' // in which no page lies

const able = () => window.isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window && !!window.crypto?.subtle

export const pushState = ref<PushState>('unknown')
export const pushBusy = ref(false)
/** Why the last try led to nothing, in both languages; null: it did. */
export const pushFault = ref<{ zh: string; en: string } | null>(null)

/** idOf answers the id under which the desk knows an endpoint: made as the desk makes it, so that nothing needs to be kept here. */
export async function idOf(endpoint: string): Promise<string> {
  const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('tocsin browser\0' + endpoint))
  return 'b' + Array.from(new Uint8Array(sum).slice(0, 12), (n) => n.toString(16).padStart(2, '0')).join('')
}

/** bytesOf reads base64url. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(raw, (c) => c.charCodeAt(0))
}

async function subscribed(): Promise<PushSubscription | null> {
  const r = await navigator.serviceWorker.getRegistration(scope)
  return (await r?.pushManager.getSubscription()) ?? null
}

/** look finds out how it stands. */
export async function look(): Promise<void> {
  pushFault.value = null
  try {
    const there = await api.push()
    if (!there.available) return void (pushState.value = 'none')
    if (!able()) return void (pushState.value = 'cannot')
    if (Notification.permission === 'denied') return void (pushState.value = 'blocked')
    const s = await subscribed()
    pushState.value = s && there.browsers.includes(await idOf(s.endpoint)) ? 'on' : 'off'
  } catch {
    pushState.value = 'unknown'
  }
}

async function doing(what: () => Promise<void>) {
  if (pushBusy.value) return
  pushBusy.value = true
  pushFault.value = null
  try {
    await what()
    await look()
  } catch (e) {
    await look()
    pushFault.value = e instanceof Refused ? { zh: e.zh, en: e.en } : { zh: '浏览器的推送服务不可用，或预警台没有应答。', en: 'The browser’s push service cannot be reached, or the desk does not answer.' }
  } finally {
    pushBusy.value = false
  }
}

/** turnOn asks the person, has the browser subscribe, and tells the desk. */
export const turnOn = () =>
  doing(async () => {
    if ((await Notification.requestPermission()) !== 'granted') return
    const there = await api.push()
    const registration = await navigator.serviceWorker.register(worker, { scope })
    await active(registration)
    const key = bytesOf(there.key)
    await (await subscribed())?.unsubscribe() // an old one may hold to another key
    const s = (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })).toJSON()
    await api.turnOnPush({ endpoint: s.endpoint!, p256dh: s.keys!.p256dh!, auth: s.keys!.auth! })
  })

/** turnOff ends it at the desk first: a browser that is told of nobody's knowledge would go on being told. */
export const turnOff = () =>
  doing(async () => {
    const s = await subscribed()
    if (!s) return
    await api.turnOffPush(await idOf(s.endpoint))
    await s.unsubscribe()
  })

/** active waits until a worker that was just registered can be subscribed with. */
function active(r: ServiceWorkerRegistration): Promise<void> {
  const w = r.installing ?? r.waiting
  if (r.active || !w) return Promise.resolve()
  return new Promise((done) => w.addEventListener('statechange', () => w.state === 'activated' && done()))
}

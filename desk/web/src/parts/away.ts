import { api } from '../api/client'
import { forget, session } from '../live/store'
import { settings } from './settings'
import { en } from '../words/en'

// The way to the identity provider and back. What became of it comes back as one word behind ?oidc=.

const lang = () => `lang=${settings.language}`

/** beginAt answers where a browser begins to sign in at the provider; to is the page to go to. */
export const beginAt = (to: string) => `/v1/oidc/begin?to=${encodeURIComponent(to)}&${lang()}`

/** unlockAt answers where whoever sits at a locked desk signs in again. */
export const unlockAt = () => `/v1/oidc/begin?unlock=1&${lang()}`

/** endAt answers where a browser signs out at the provider. */
export const endAt = () => `/v1/oidc/end?${lang()}`

/** signOff signs out, here and at the provider where the session began there, and then goes on. */
export async function signOff(then: () => unknown) {
  const there = session.value?.method === 'oidc'
  const heard = await api.signOut().then(() => true, () => false) // the desk may be out of reach: this screen forgets all the same
  forget()
  if (there && heard) return location.assign(endAt()) // or the next who presses the button there is let in as this one
  await then()
}

/** awayWords answers the key of the words for why somebody was turned away; none without a reason. */
export function awayWords(reason: unknown): string {
  if (typeof reason !== 'string' || reason === '') return ''
  return `sign.away.${reason in en.sign.away ? reason : 'invalid'}`
}

const place = 'tocsin.unlocked'

/** tellUnlocked tells the other windows that somebody has signed in again. */
export function tellUnlocked() {
  try {
    localStorage.setItem(place, String(Date.now()))
  } catch {
    // they find out when they ask next
  }
}

/** onUnlocked has fn called when another window says so, and answers how to stop. */
export function onUnlocked(fn: () => void): () => void {
  const heard = (e: StorageEvent) => e.key === place && fn()
  window.addEventListener('storage', heard)
  return () => window.removeEventListener('storage', heard)
}

import { ref } from 'vue'
import { api, clickId, Refused } from '../api/client'
import type { Closing, Warning } from '../api/types'
import { change } from '../live/store'
import { useSay } from './say'

export type Act = 'accept' | 'giveBack' | 'close'

/** What became of the last click. */
export interface Answer {
  id: string
  ok: boolean
  text: string
}

/**
 * useActing sends clicks about warnings. A click shows as pending at once and ends as done or refused with the reason.
 * When no answer comes, the next press of the same sends the same click's id: it counts once.
 */
export function useActing() {
  const { t, inWords } = useSay()
  const pending = ref<{ id: string; act: Act } | null>(null)
  const answer = ref<Answer | null>(null)
  const unanswered = new Map<string, string>()

  async function click(id: string, act: Act, send: (key: string) => Promise<Warning>, done: string): Promise<boolean> {
    if (pending.value) return false
    pending.value = { id, act }
    answer.value = null
    const name = `${act} ${id}`
    const key = unanswered.get(name) ?? clickId()
    try {
      change(await send(key))
      unanswered.delete(name)
      answer.value = { id, ok: true, text: done }
      return true
    } catch (e) {
      if (e instanceof Refused && e.status < 500) {
        unanswered.delete(name)
        answer.value = { id, ok: false, text: inWords(e) }
      } else {
        unanswered.set(name, key)
        answer.value = { id, ok: false, text: t('warning.noAnswer') }
      }
      return false
    } finally {
      pending.value = null
    }
  }

  return {
    pending,
    answer,
    accept: (id: string) => click(id, 'accept', (k) => api.accept(id, k), t('warning.acceptedNow')),
    giveBack: (id: string, reason: string) => click(id, 'giveBack', (k) => api.giveBack(id, k, reason), t('warning.returnedNow')),
    close: (id: string, c: Closing) => click(id, 'close', (k) => api.close(id, k, c), t('warning.closedNow')),
  }
}

import { reactive } from 'vue'
import { api, clickId, Refused } from '../api/client'
import type { Closing, Warning } from '../api/types'
import { change, warnings } from '../live/store'
import { useSay } from './say'

export type Act = 'accept' | 'giveBack' | 'close'

/** What became of the last click on a warning. */
export interface Answer {
  ok: boolean
  text: string
}

/**
 * useActing sends clicks about warnings. A click shows as pending at once and ends as done or refused with the reason;
 * while one waits for a slow log, another warning can be taken. When no answer comes, the next press of the same sends
 * the same click's id, so that it counts once; but only while the warning is as it was: after that the first answer
 * would be that to another question.
 */
export function useActing() {
  const { t, inWords } = useSay()
  const pending = reactive(new Map<string, Act>())
  const answers = reactive(new Map<string, Answer>())
  const unanswered = new Map<string, string>()

  async function click(id: string, act: Act, send: (key: string) => Promise<Warning>, done: string): Promise<boolean> {
    if (pending.has(id)) return false
    pending.set(id, act)
    answers.delete(id)
    const name = `${act} ${id} ${warnings.get(id)?.version}`
    const key = unanswered.get(name) ?? clickId()
    try {
      change(await send(key))
      unanswered.delete(name)
      answers.set(id, { ok: true, text: done })
      return true
    } catch (e) {
      if (e instanceof Refused && e.status < 500) {
        unanswered.delete(name)
        answers.set(id, { ok: false, text: inWords(e) })
      } else {
        unanswered.set(name, key)
        answers.set(id, { ok: false, text: t('warning.noAnswer') })
      }
      return false
    } finally {
      pending.delete(id)
    }
  }

  return {
    pending,
    answers,
    accept: (id: string) => click(id, 'accept', (k) => api.accept(id, k), t('warning.acceptedNow')),
    giveBack: (id: string, reason: string) => click(id, 'giveBack', (k) => api.giveBack(id, k, reason), t('warning.returnedNow')),
    close: (id: string, c: Closing) => click(id, 'close', (k) => api.close(id, k, c), t('warning.closedNow')),
  }
}

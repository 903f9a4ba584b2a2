import { reactive } from 'vue'
import { api, clickId, Refused } from '../api/client'
import type { Closing, Contact, Offer, Shelving, Warning } from '../api/types'
import { change, warnings } from '../live/store'
import { useSay } from './say'

export type Act = 'accept' | 'giveBack' | 'close' | 'call' | 'contact' | 'offer' | 'note' | 'shelve' | 'agree' | 'unshelve'

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
  const running = new Map<string, Promise<void>>()

  /** done says in words what came of it: it may depend on what the warning has become. */
  async function click<B>(id: string, act: Act, send: (id: string, key: string, body: B) => Promise<Warning>, body: B, done: string | ((w: Warning) => string)): Promise<boolean> {
    if (pending.get(id) === act) return false
    // Who is quicker than the desk is not passed over in silence: what comes next waits for the answer to what came first.
    while (pending.has(id)) await running.get(id)
    pending.set(id, act)
    let over = () => {}
    running.set(id, new Promise<void>((done) => (over = done)))
    answers.delete(id)
    const name = `${act} ${id} ${warnings.get(id)?.version} ${JSON.stringify(body)}` // who says something else the second time asks anew
    const key = unanswered.get(name) ?? clickId()
    try {
      const w = await send(id, key, body)
      change(w)
      unanswered.delete(name)
      answers.set(id, { ok: true, text: typeof done === 'string' ? done : done(w) })
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
      over()
    }
  }

  return {
    pending,
    answers,
    /** cannot says why something was not even asked of the desk. */
    cannot: (id: string, text: string) => void answers.set(id, { ok: false, text }),
    accept: (id: string) => click(id, 'accept', api.accept, {}, t('warning.acceptedNow')),
    giveBack: (id: string, reason: string) => click(id, 'giveBack', api.giveBack, { reason }, t('warning.returnedNow')),
    close: (id: string, c: Closing) => click(id, 'close', api.close, c, t('warning.closedNow')),
    call: (id: string, whom: Contact['whom']) => click(id, 'call', api.call, { whom }, ''),
    contact: (id: string, c: Contact) => click(id, 'contact', api.contact, c, t(`call.said.${c.outcome}`)),
    offer: (id: string, o: Offer) => click(id, 'offer', api.offer, o, ''), // whom it waits for stands there as long as it does
    note: (id: string, text: string) => click(id, 'note', api.note, { text }, t('note.saved')),
    shelve: (id: string, s: Shelving) => click(id, 'shelve', api.shelve, s, (w) => (w.state === 'shelved' ? t('shelve.done') : '')),
    agree: (id: string) => click(id, 'agree', api.shelve, { reason: '', for_min: 0 }, t('shelve.done')),
    unshelve: (id: string) => click(id, 'unshelve', api.unshelve, {}, t('shelve.ended')),
  }
}

import { ref } from 'vue'
import { clickId, Refused } from '../api/client'
import { useSay } from './say'

/**
 * useWish sends what is asked about a patient: busy while it waits, then done, or refused in words. What is sent again after no
 * answer came is the same click as long as it says the same, so that it counts once.
 */
export function useWish() {
  const { t, inWords } = useSay()
  const busy = ref(false)
  const refused = ref('')
  let unanswered: { what: string; key: string } | null = null

  async function wish<B, A>(send: (key: string, body: B) => Promise<A>, body: B): Promise<{ answer: A } | null> {
    if (busy.value) return null
    busy.value = true
    refused.value = ''
    const what = JSON.stringify(body)
    const key = unanswered?.what === what ? unanswered.key : clickId()
    unanswered = { what, key }
    try {
      const answer = await send(key, body)
      unanswered = null
      return { answer }
    } catch (e) {
      const said = e instanceof Refused && e.status < 500
      if (said) unanswered = null
      refused.value = said ? inWords(e as Refused) : t('warning.noAnswer')
      return null
    } finally {
      busy.value = false
    }
  }

  return { busy, refused, wish }
}

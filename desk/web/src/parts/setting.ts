import { computed, ref } from 'vue'
import { Refused } from '../api/client'
import type { FieldFault } from '../api/types'
import { useSay } from './say'

/** useSetting sends what somebody sets and keeps what the desk says of it: faults at their fields, the rest as one sentence. overtaken: another has changed it meanwhile. */
export function useSetting() {
  const { inWords, why } = useSay()
  const busy = ref(false)
  const says = ref('')
  const faults = ref<FieldFault[]>([])
  const overtaken = ref(false)
  const reason = ref('')

  async function send<T>(one: () => Promise<T>): Promise<T | null> {
    if (busy.value) return null
    busy.value = true
    says.value = ''
    reason.value = ''
    faults.value = []
    try {
      const got = await one()
      overtaken.value = false
      return got
    } catch (e) {
      reason.value = e instanceof Refused ? e.reason : ''
      overtaken.value = reason.value === 'changed'
      says.value = why(e)
      faults.value = e instanceof Refused ? e.faults : []
      return null
    } finally {
      busy.value = false
    }
  }

  /** at answers what is wrong with a field, whether the desk or the description of its API found it. */
  const at = (where: string) => {
    const f = faults.value.find((x) => x.where.replace(/^body\./, '') === where)
    return f ? inWords({ zh: f.zh || f.message, en: f.en || f.message }) : ''
  }
  /** Faults of fields that are not on the page. */
  const others = (shown: (where: string) => boolean) => faults.value.filter((x) => !shown(x.where.replace(/^body\./, ''))).map((f) => inWords({ zh: f.zh || f.message, en: f.en || f.message }))
  return { busy, says, reason, at, others, overtaken, faulty: computed(() => faults.value.length > 0), send }
}

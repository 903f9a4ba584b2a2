import { onBeforeUnmount, ref } from 'vue'
import { api } from '../api/client'
import type { PersonView } from '../api/types'
import { useSay } from './say'

export type Known = PersonView['state'] | 'loading' | 'failed' | 'nobody'

/**
 * useWho opens the vault for one patient as long as a part is on the screen. It is asked for once, since each look is noted; what came
 * is kept here alone and dropped when the part goes, as every part does when the desk is locked.
 */
export function useWho(of: { tenant: string; patient: string }) {
  const { why: worded } = useSay()
  const who = ref<PersonView | null>(null)
  const state = ref<Known>('loading')
  const why = ref('')
  let here = true

  async function load() {
    who.value = null
    why.value = ''
    state.value = of.patient ? 'loading' : 'nobody'
    if (state.value !== 'loading') return
    try {
      const v = await api.person(of.tenant, of.patient)
      if (!here) return
      who.value = v
      state.value = v.state
    } catch (e) {
      if (!here) return
      state.value = 'failed'
      why.value = worded(e)
    }
  }

  onBeforeUnmount(() => {
    here = false
    who.value = null
  })
  void load()
  return { who, state, why, load }
}

import { ref } from 'vue'
import { api } from '../api/client'
import type { Group } from '../api/types'

/** The disease groups as last asked for: their names are needed everywhere. */
export const groups = ref<Group[]>([])

export async function loadGroups() {
  groups.value = await api.groups()
}

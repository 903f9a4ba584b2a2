import { ref } from 'vue'
import { api } from '../api/client'
import type { Clinic } from '../api/types'

/** The community clinics as last asked for: their names are needed everywhere. */
export const clinics = ref<Clinic[]>([])

export async function loadClinics() {
  clinics.value = await api.clinics()
}

/** What a filter says of those who belong to no clinic; every other value is empty, for everybody, or tenant/clinic. */
export const noClinic = '-'

/** atClinic tells whether somebody fits the filter. What is about no patient belongs nowhere, and is not meant by those of no clinic. */
export function atClinic(x: { tenant: string; clinic: string; group: string }, filter: string): boolean {
  if (!filter) return true
  return filter === noClinic ? !x.clinic && !!x.group : filter === `${x.tenant}/${x.clinic}`
}

/** fromQuery answers a filter that stands in the address: one word, whatever somebody made of it. */
export const fromQuery = (q: unknown): string => (typeof q === 'string' ? q : '')

import { computed, ref } from 'vue'
import { settings } from './settings'

const dark = window.matchMedia('(prefers-color-scheme: dark)')
const systemDark = ref(dark.matches)
dark.addEventListener('change', (e) => (systemDark.value = e.matches))

/** look is what the screen looks like now: light, dark, or the wall that is read from 4 m. */
export const look = computed(() => (settings.look === 'auto' ? (systemDark.value ? 'dark' : 'light') : settings.look))

const narrowQuery = window.matchMedia('(max-width: 799px)')

/** narrow tells whether this is a phone: one thing at a time. */
export const narrow = ref(narrowQuery.matches)
narrowQuery.addEventListener('change', (e) => (narrow.value = e.matches))

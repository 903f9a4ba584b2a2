import { ref } from 'vue'

const asked = window.matchMedia('(max-width: 799px)')

/** narrow tells whether the screen is a phone's. */
export const narrow = ref(asked.matches)
asked.addEventListener('change', () => (narrow.value = asked.matches))

import { ref } from 'vue'

/** Whether the dialog for an emergency is open: the menu opens it, the page shows it. */
export const opening = ref(false)

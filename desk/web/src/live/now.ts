import { ref } from 'vue'

/** now is the desk's time in ms, ticking once a second: the server's clock as far as it is known, else this machine's. */
export const now = ref(Date.now())

let ahead = 0 // how far the server's clock is ahead of this machine's

/** serverSaid sets the clock by what the server printed. A home-made offset under a second is noise and is left out. */
export function serverSaid(at: string | null | undefined) {
  if (!at) return
  const t = Date.parse(at)
  if (Number.isNaN(t)) return
  const d = t - Date.now()
  ahead = Math.abs(d) > 1500 ? d : 0
}

/** exactly answers the desk's time this very moment. */
export const exactly = () => Date.now() + ahead

setInterval(() => (now.value = exactly()), 1000)

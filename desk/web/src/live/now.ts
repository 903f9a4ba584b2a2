import { ref } from 'vue'

/**
 * The desk's time is what the server last said and what has passed since, by this machine's clock or by how long the
 * page has run, whichever is more: a clock that is set back must not make old data look fresh, and what counts the
 * running time may stand still while a laptop sleeps.
 */
let said = Date.now()
let wall = said
let ran = performance.now()

/** exactly answers the desk's time this very moment. */
export const exactly = () => said + Math.max(Date.now() - wall, performance.now() - ran)

/** now is the desk's time in ms, ticking once a second: the server's clock as far as it is known, else this machine's. */
export const now = ref(exactly())

function set(at: number) {
  said = at
  wall = Date.now()
  ran = performance.now()
  now.value = at
}

/** Under this a difference between the clocks is noise. */
const noise = 1500
/** What is older than this on its arrival was held up on its way, unless the next is held up just as long: then the clock was set. */
const slow = 4000
let before = NaN

/** serverSaid sets the clock by an answer that was asked for just now. */
export function serverSaid(at: string | null | undefined) {
  const t = Date.parse(at ?? '')
  if (Number.isNaN(t)) return
  before = NaN
  const mine = exactly()
  set(Math.abs(t - mine) > noise ? t : mine)
}

/**
 * heardAt sets the clock by a message of the stream and answers when the server said it, in the desk's time. A laptop
 * that wakes up reads first what had come before it slept: that is old, and must not turn the clock back.
 */
export function heardAt(at: string): number {
  const t = Date.parse(at)
  const mine = exactly()
  if (Number.isNaN(t)) return mine
  const late = mine - t
  if (late > slow && !(Math.abs(late - before) < noise / 2)) {
    before = late
    now.value = mine
    return t
  }
  serverSaid(at)
  return exactly()
}

setInterval(() => (now.value = exactly()), 1000)

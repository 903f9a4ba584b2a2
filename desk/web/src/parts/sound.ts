import { computed, ref } from 'vue'
import { now } from '../live/now'

// Tones after IEC 60601-1-8: a high warning is ten pulses in two groups of five, a medium one three.
const gap = 0.1
const high = [0, 1, 2, 3.5, 4.5].map((n) => n * (0.15 + gap))
const medium = [0, 1, 2].map((n) => n * 0.4)

export type SoundState = 'none' | 'unproven' | 'proven'

let context: AudioContext | null = null
export const soundState = ref<SoundState>(typeof AudioContext === 'undefined' ? 'none' : 'unproven')

/** When a mute of this desk ends, in ms since the page was loaded, so that no clock that is set makes it longer; 0 without one. A new high ends it at once. */
const mutedUntil = ref(0)
const muteLeft = () => Math.max(0, mutedUntil.value - performance.now())
export const mutedMs = computed(() => (now.value ? muteLeft() : 0)) // counts down with the clock on the page
export const muteFor = 120_000

/** prove plays the high sound from a click: browsers allow sound only after one. */
export async function prove() {
  if (soundState.value === 'none') return
  if (!context) {
    context = new AudioContext()
    context.onstatechange = proven
  }
  await context.resume()
  if (context.state !== 'running') return
  proven()
  play('high', true)
}

/** proven follows the browser: after a sleep, or when another program takes the sound, it may stand still without a word. */
function proven() {
  soundState.value = context?.state === 'running' ? 'proven' : 'unproven'
}

export function mute() {
  mutedUntil.value = muteLeft() > 0 ? 0 : performance.now() + muteFor
}

export const unmute = () => (mutedUntil.value = 0)

/** play sounds once: high, medium, or the low two tones that say that nobody is watching. */
export function play(what: 'high' | 'medium' | 'unwatched', always = false) {
  if (!context || (!always && muteLeft() > 0)) return
  if (context.state !== 'running') {
    proven()
    return void context.resume().then(proven, proven) // it is asked for again with every sound that is due
  }
  const t = context.currentTime + 0.02
  if (what === 'high') for (const d of [...high, ...high.map((x) => x + 1.9)]) pulse(t + d, 660, 0.15)
  else if (what === 'medium') for (const d of medium) pulse(t + d, 520, 0.2)
  else for (const [d, f] of [[0, 330], [0.5, 247]] as const) pulse(t + d, f, 0.45)
}

/** One pulse with its harmonics, rising and falling softly enough not to click. */
function pulse(at: number, hertz: number, length: number) {
  const c = context!
  const loud = c.createGain()
  loud.connect(c.destination)
  loud.gain.setValueAtTime(0, at)
  loud.gain.linearRampToValueAtTime(0.22, at + 0.02)
  loud.gain.setValueAtTime(0.22, at + length - 0.03)
  loud.gain.linearRampToValueAtTime(0, at + length)
  for (const n of [1, 2, 3, 5]) {
    const tone = c.createOscillator()
    const share = c.createGain()
    tone.frequency.value = hertz * n
    share.gain.value = 1 / n
    tone.connect(share).connect(loud)
    tone.start(at)
    tone.stop(at + length + 0.05)
  }
}

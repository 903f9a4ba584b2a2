import { computed, ref } from 'vue'
import { now, exactly } from '../live/now'

// Tones after IEC 60601-1-8: a high warning is ten pulses in two groups of five, a medium one three.
const gap = 0.1
const high = [0, 1, 2, 3.5, 4.5].map((n) => n * (0.15 + gap))
const medium = [0, 1, 2].map((n) => n * 0.4)

export type SoundState = 'none' | 'unproven' | 'proven'

let context: AudioContext | null = null
export const soundState = ref<SoundState>(typeof AudioContext === 'undefined' ? 'none' : 'unproven')

/** mutedUntil is when a mute of this desk ends; 0 without one. A new high ends it at once. */
export const mutedUntil = ref(0)
export const mutedMs = computed(() => Math.max(0, mutedUntil.value - now.value))
export const muteFor = 120_000

/** prove plays the high sound from a click: browsers allow sound only after one. */
export async function prove() {
  if (soundState.value === 'none') return
  context ??= new AudioContext()
  await context.resume()
  if (context.state !== 'running') return
  soundState.value = 'proven'
  play('high', true)
}

export function mute() {
  mutedUntil.value = mutedMs.value > 0 ? 0 : exactly() + muteFor
}

export const unmute = () => (mutedUntil.value = 0)

/** play sounds once: high, medium, or the low two tones that say that nobody is watching. */
export function play(what: 'high' | 'medium' | 'unwatched', always = false) {
  if (!context || context.state !== 'running' || (!always && mutedMs.value > 0)) return
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

import { onBeforeUnmount, onMounted } from 'vue'
import { settings } from './settings'

/** What a key does, by its event.code: the place on the keyboard, so that a pinyin input method does not swallow it. */
export type Keys = Record<string, (e: KeyboardEvent) => void>

const layers: { keys: Keys; alone: boolean }[] = []

/** Keys without a letter on them are not what WCAG 2.1.4 lets people switch off. */
const always = new Set(['Escape', 'ArrowUp', 'ArrowDown', 'Home', 'End'])

export function isTyping(el: EventTarget | null): boolean {
  if (!(el instanceof HTMLElement)) return false
  if (el.isContentEditable || el instanceof HTMLTextAreaElement || el instanceof HTMLSelectElement) return true
  return el instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(el.type)
}

/** keyName is what a page says of a key event: its code, with Shift in front where it matters. */
export const keyName = (e: { code: string; shiftKey: boolean }) => (e.shiftKey ? `Shift+${e.code}` : e.code)

function onKey(e: KeyboardEvent) {
  if (e.ctrlKey || e.altKey || e.metaKey || e.defaultPrevented) return
  const name = keyName(e)
  if (!always.has(e.code) && (!settings.keys || isTyping(e.target))) return
  if (isTyping(e.target) && e.code !== 'Escape') return
  for (let i = layers.length - 1; i >= 0; i--) {
    const { keys, alone } = layers[i]!
    const act = keys[name]
    if (act) {
      e.preventDefault()
      return act(e)
    }
    if (alone) return
  }
}

window.addEventListener('keydown', onKey)

/** useKeys adds a page's or part's keys while it is on the screen; the newest wins. alone: what lies behind hears none, since nobody accepts a warning that a page of help covers. */
export function useKeys(keys: Keys, alone = false) {
  const layer = { keys, alone }
  onMounted(() => layers.push(layer))
  onBeforeUnmount(() => layers.splice(layers.indexOf(layer), 1))
}

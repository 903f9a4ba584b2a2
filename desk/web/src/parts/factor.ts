import { ref } from 'vue'

/** Whether the sheet for one's second factor is open: the menu opens it, the page shows it. */
export const enrolling = ref(false)

/** The quiet zone of a QR code, in modules. */
const quiet = 4

/** qrPath answers rows of modules as one path of SVG, and the side of the picture that holds it with its quiet zone. */
export function qrPath(rows: string[]): { path: string; side: number } {
  const path = rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map((m) => `M${m.index + quiet} ${y + quiet}h${m[0].length}v1h-${m[0].length}z`)).join('')
  return { path, side: rows.length + 2 * quiet }
}

/** inFours writes a secret so that it can be typed. */
export const inFours = (secret: string) => secret.match(/.{1,4}/g)?.join(' ') ?? ''

/** copy puts a text on the clipboard, also where the page came over plain HTTP, and answers whether it could. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const box = document.createElement('textarea')
    box.value = text
    ;(document.querySelector('dialog[open]') ?? document.body).append(box) // what lies behind a dialog cannot be selected
    box.select()
    const done = document.execCommand('copy')
    box.remove()
    return done
  }
}

const place = 'tocsin.reset.seen'

/** The reset that somebody on this browser has said they know of, by its moment. */
export const seenReset = ref(read())

function read(): string {
  try {
    return localStorage.getItem(place) ?? ''
  } catch {
    return ''
  }
}

export function sawReset(at: string) {
  seenReset.value = at
  try {
    localStorage.setItem(place, at)
  } catch {
    // it is said again next time
  }
}

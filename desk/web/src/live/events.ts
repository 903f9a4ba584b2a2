/** One message of a server-sent stream. id is the offset vector from which any desk server can go on. */
export interface Message {
  id: string
  event: string
  data: string
}

/**
 * messages reads the text of a server-sent stream in pieces, as they come from the network, and calls take for each
 * whole message. A piece may end anywhere, also between CR and LF.
 */
export function messages(take: (m: Message) => void): (piece: string) => void {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []

  function line(text: string) {
    if (text === '') {
      if (data.length > 0) take({ id, event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    if (colon === 0) return // a comment: only a sign of life
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  return (piece) => {
    rest += piece
    let from = 0
    for (;;) {
      const end = lineEnd(rest, from)
      if (!end) break
      line(rest.slice(from, end.at))
      from = end.next
    }
    rest = rest.slice(from)
  }
}

function lineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\n') return { at: i, next: i + 1 }
    if (text[i] === '\r') {
      if (i + 1 === text.length) return null // the LF that belongs to it may be in the next piece
      return { at: i, next: text[i + 1] === '\n' ? i + 2 : i + 1 }
    }
  }
  return null
}

// A WebSocket: the protocol as it is (contract, section 4).

import type { ClientMessage } from '../types.js'
import type { Hears, Link, Site } from './link.js'

export function socket(site: Site, hears: Hears): Link {
  let socket: WebSocket | undefined
  let closed = false
  let largest = 65_536
  const end = (code?: number): void => {
    if (!closed) hears.closed(code)
    closed = true
  }
  const open = (token: string | undefined): void => {
    if (closed) return
    if (!site.WebSocket) return end()
    const address = `${site.http.url.replace(/^http/, 'ws')}/v1/sync`
    socket = new site.WebSocket(address)
    socket.onopen = () => hears.opened()
    // `close` follows and says what there is to say; some platforms throw an error that nobody hears.
    socket.onerror = () => {}
    socket.onclose = ({ code }) => end(code)
    socket.onmessage = ({ data }) => {
      const message = parsed(data)
      if (message?.limits) largest = message.limits.messageBytes ?? largest
      hears.message(message)
    }
    link.send = (message) => {
      const said: ClientMessage = message.type === 'hello' && token !== undefined ? { ...message, token } : message
      const text = JSON.stringify(said)
      // What no message has room for goes by a request; a document may be larger than a message.
      if (text.length * 3 > largest && new Blob([text]).size > largest) {
        void import('./asked.js').then(({ Asker }) => new Asker(site.http, hears).say(said), () => end())
      } else if (socket?.readyState === 1) socket.send(text)
    }
  }
  const link: Link = {
    send() {},
    close() {
      closed = true
      socket?.close()
    },
  }
  // A constructor throws for an address that is none, or where a page's policy forbids it.
  site.token().then(open).catch(() => end())
  return link
}

function parsed(data: unknown): { limits?: { messageBytes?: number } } | undefined {
  try {
    return JSON.parse(String(data)) as { limits?: { messageBytes?: number } }
  } catch {
    return undefined
  }
}

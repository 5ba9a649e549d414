// Transports that few need are loaded when they are: what blocks sockets lets requests through.

import type { ClientMessage } from '../types.js'
import type { Hears, Link, Site } from './link.js'

type Open = (site: Site, hears: Hears) => Link

/** A transport whose code comes when it is first opened; what is said before waits. */
export function lazy(load: () => Promise<Open>): Open {
  return (site, hears) => {
    const waiting: ClientMessage[] = []
    let closed = false
    const link: Link = {
      send: (message) => void waiting.push(message),
      close() {
        closed = true
      },
    }
    const opened = (open: Open): void => {
      if (closed) return
      const real = open(site, hears)
      link.send = (message) => real.send(message)
      link.close = () => real.close()
      for (const message of waiting) real.send(message)
    }
    load().then(opened).catch(() => hears.closed())
    return link
  }
}

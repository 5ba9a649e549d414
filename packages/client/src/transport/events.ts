// Server-sent events to hear, requests to ask: for where sockets are blocked (row E3). Read by `fetch`, since an
// `EventSource` can neither send a token nor tell a refusal from a lost line.

import type { ClientMessage } from '../types.js'
import { Asker, said } from './asked.js'
import type { Hears, Link, Site } from './link.js'
import { EventReader, type StreamEvent } from './sse.js'

export function events(site: Site, hears: Hears): Link {
  const asker = new Asker(site.http, hears)
  let stream: AbortController | undefined
  const subscribe = async ({ after, collections }: ClientMessage & { type: 'subscribe' }): Promise<void> => {
    stream?.abort()
    const mine = new AbortController()
    stream = mine
    const query = new URLSearchParams({ ...(after && { after }), ...(collections && { collections: collections.join() }) })
    try {
      const ask = { headers: { accept: 'text/event-stream' }, signal: mine.signal, timeout: 0 }
      const answer = await site.http.ask(`events?${query}`, ask)
      const [epoch = '', revision = '0'] = after?.split(':') ?? []
      hears.message({ type: 'subscribed', production: site.production, epoch, revision: Number(revision) })
      await hear(answer, site, hears, mine.signal)
      if (!mine.signal.aborted) hears.closed()
    } catch (error) {
      if (!mine.signal.aborted) hears.closed(undefined, said(error))
    }
  }
  queueMicrotask(() => hears.opened())
  return {
    send: (message) => (message.type === 'subscribe' ? void subscribe(message) : asker.say(message)),
    close: () => stream?.abort(),
  }
}

async function hear(answer: Response, site: Site, hears: Hears, signal: AbortSignal): Promise<void> {
  const pieces = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  const reader = new EventReader()
  while (pieces && !signal.aborted) {
    const { done, value } = await pieces.read()
    if (done) return
    hears.alive()
    for (const event of reader.read(value)) {
      if (!signal.aborted) hears.message(message(event, site.production))
    }
  }
}

/** The event as the message that a socket would bring. */
function message({ event, id, data }: StreamEvent, production: string): unknown {
  try {
    const said = JSON.parse(data) as object
    return event === 'commit' ? { ...said, type: 'commit', production, epoch: id.split(':')[0] } : said
  } catch {
    return undefined
  }
}

// The shell of a session: it does what the session says, with real links, timers and a storage. Only the leading tab
// has one.

import type { Connection, TransportName } from './connection.js'
import type { Settled } from './queue.js'
import type { Changed, News, Replica } from './replica.js'
import type { Effect, Input, Timer, Told } from './session/effect.js'
import type { Options } from './session/options.js'
import { Session } from './session/session.js'
import type { Storage } from './storage/storage.js'
import { Writer } from './storage/writer.js'
import { lazy } from './transport/lazy.js'
import type { Hears, Link, Site } from './transport/link.js'
import { socket } from './transport/socket.js'
import type { Moved, Plan, Problem } from './types.js'

/** Who wants to know. */
export interface Ears {
  news(news: News, changed: readonly Changed[]): void
  connection(connection: Connection): void
  settled(id: string, result: Settled): void
  acted(id: string, result: Moved | Plan | Problem): void
  told(told: Told): void
}

export type Transports = Readonly<Record<TransportName, (site: Site, hears: Hears) => Link>>
export const TRANSPORTS: Transports = {
  socket,
  events: lazy(async () => (await import('./transport/events.js')).events),
  poll: lazy(async () => (await import('./transport/poll.js')).poll),
}

export class Shell {
  readonly #session: Session
  #links = new Map<number, Link>()
  #timers = new Map<Timer, ReturnType<typeof setTimeout>>()
  /** What is stored before it is said. */
  readonly #writer: Writer

  constructor(
    options: Options,
    replica: Replica,
    private readonly site: Site,
    storage: Storage,
    private readonly transports: Transports,
    private readonly ears: Ears,
  ) {
    this.#session = new Session(options, replica)
    this.#writer = new Writer(storage, (error) => this.ears.told({ kind: 'report', report: { what: 'storage', detail: String(error) } }))
  }

  get connection(): Connection {
    return this.#session.connection
  }

  input(input: Input): void {
    for (const effect of this.#session.handle(input, Date.now())) this.#run(effect)
  }

  stop(): void {
    this.input({ type: 'stop' })
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #run(effect: Effect): void {
    const { ears } = this
    switch (effect.do) {
      case 'open':
        return this.#open(effect.link, effect.transport)
      case 'close':
        this.#links.get(effect.link)?.close()
        this.#links.delete(effect.link)
        return
      case 'send':
        if (effect.put) this.#writer.write(effect.put, [])
        return this.#writer.after(() => effect.messages.forEach((message) => this.#links.get(effect.link)?.send(message)))
      case 'store':
        return this.#writer.write(effect.put, effect.drop)
      case 'timer':
        clearTimeout(this.#timers.get(effect.timer))
        this.#timers.set(effect.timer, setTimeout(() => this.input({ type: 'timer', timer: effect.timer }), effect.ms))
        return
      case 'cancel':
        clearTimeout(this.#timers.get(effect.timer))
        return
      case 'news':
        return ears.news(effect.news, effect.changed)
      case 'connection':
        return ears.connection(effect.connection)
      case 'settled':
        return ears.settled(effect.id, effect.result)
      case 'acted':
        return ears.acted(effect.id, effect.result)
      case 'told':
        return ears.told(effect.told)
    }
  }

  #open(link: number, transport: TransportName): void {
    // A link that was let go of says nothing more.
    const heard = (input: Input): void => {
      if (this.#links.has(link)) this.input(input)
    }
    const hears: Hears = {
      opened: () => heard({ type: 'opened', link }),
      message: (message) => heard({ type: 'message', link, message }),
      alive: () => heard({ type: 'alive', link }),
      closed: (code, problem) => {
        heard({ type: 'closed', link, ...(code !== undefined && { code }), ...(problem && { problem }) })
      },
    }
    this.#links.set(link, this.transports[transport](this.site, hears))
  }
}

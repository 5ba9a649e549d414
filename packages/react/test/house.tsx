// A house for tests: the model server of the client's tests, clients that are linked to it without a network, and
// what HTTP would answer.

import { connect, type Client, type ClientOptions, type ClientMessage, type Commit, type Json, type ServerMessage } from '@onair/client'
import { act, render, type RenderResult } from '@testing-library/react'
import type { ReactNode } from 'react'

import { memory } from '../../client/src/storage/memory.js'
import { Server } from '../../client/test/model.js'
import { OnairProvider } from '../src/index.js'

type Hears = { opened(): void; message(message: unknown): void; closed(code?: number): void }
type Line = { readonly hears: Hears; revision: number; subscribed: boolean; open: boolean }

/** What a request is answered with: a value, or a status with a problem. */
export type Answer = (path: string, init: RequestInit) => unknown

export const LIFECYCLE = { phase: 'ready', paused: false, since: '2026-11-20T18:00:00.000Z', sessionId: null, sequence: null, error: null }

export class House {
  readonly server = new Server()
  readonly requests: string[] = []
  /** Whether the server is there. */
  up = true
  /** Holds mutations back, as a slow server does. */
  deaf = false
  answer: Answer = () => new Refused(404, 'not-found')
  #lines = new Set<Line>()
  #clients: Client[] = []

  client(options: ClientOptions = {}): Client {
    const links = { socket: this.#link, events: this.#link, poll: this.#link }
    const fetched = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
      const path = String(input).replace('http://house/v1/productions/main', '').replace('http://house', '')
      this.requests.push(path)
      const body = await this.answer(path, init)
      if (body instanceof Refused) return Response.json({ code: body.code, status: body.status, title: '', detail: body.code }, { status: body.status })
      return Response.json(body ?? null)
    }
    const client = connect({
      url: 'http://house', tabs: false, batch: 1, storage: memory(), links, fetch: fetched as typeof fetch, ...options,
    })
    this.#clients.push(client)
    return client
  }

  /** Somebody else's edit, and everybody hears of it. */
  edit(collection: string, id: string, value: Json | undefined): void {
    this.server.edit(collection, id, value)
    this.flush()
  }

  flush(): void {
    for (const line of this.#lines) {
      while (line.open && line.subscribed && line.revision < this.server.state.revision) {
        const commit = this.server.commits[line.revision] as Commit
        line.revision += 1
        this.say({ type: 'commit', production: 'main', epoch: this.server.epoch, ...commit }, line)
      }
    }
  }

  say(message: ServerMessage, to?: Line): void {
    for (const line of to ? [to] : this.#lines) if (line.open) line.hears.message(message)
  }

  cut(): void {
    this.up = false
    for (const line of [...this.#lines]) {
      line.open = false
      this.#lines.delete(line)
      line.hears.closed(1001)
    }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  #link = (_: unknown, hears: Hears): { send(message: ClientMessage): void; close(): void } => {
    const line: Line = { hears, revision: 0, subscribed: false, open: true }
    this.#lines.add(line)
    queueMicrotask(() => (this.up ? hears.opened() : hears.closed()))
    return {
      send: (message) => queueMicrotask(() => line.open && this.#hear(message, line)),
      close: () => {
        line.open = false
        this.#lines.delete(line)
      },
    }
  }

  #hear(message: ClientMessage, line: Line): void {
    const { server } = this
    const { revision } = server.state
    const say = (said: ServerMessage): void => this.say(said, line)
    switch (message.type) {
      case 'hello': {
        const limits = { messageBytes: 65_536, subscriptions: 128, pendingMutations: 1_024, batch: 1_000 }
        return say({ type: 'welcome', session: 's', heartbeat: 30_000, role: 'operator', server: '0.1.0', positions: {}, limits })
      }
      case 'subscribe': {
        const at = Number(message.after?.split(':')[1] ?? NaN)
        line.subscribed = true
        line.revision = Number.isNaN(at) ? revision : at
        say({ type: 'subscribed', production: 'main', epoch: server.epoch, revision })
        if (Number.isNaN(at)) say({ type: 'snapshot', production: 'main', epoch: server.epoch, revision, documents: server.state.documents() })
        return this.flush()
      }
      case 'mutate': {
        if (this.deaf) return
        const came = server.mutate(message.id, message.mutations)
        this.flush()
        return say('code' in came ? { type: 'problem', id: message.id, ...came } : { type: 'result', id: message.id, ...came })
      }
      case 'action':
        return say({ type: 'result', id: message.id, revision, outcome: 'applied', sequence: 'q', phase: 'live' } as ServerMessage)
      default:
        return
    }
  }
}

export class Refused {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {}
}

/** Turns of the loop that a chain of answers and renders may take. */
const TURNS = 10

/** Lets everything that is under way arrive: batches, answers, what is rendered by them. On a busy machine too, where timers are late. */
export async function settle(ms = 15): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    await act(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms / TURNS))
    })
  }
}

/** A page with a provider around it, in step. */
export async function page(client: Client, children: ReactNode): Promise<RenderResult> {
  const result = render(children, { wrapper: ({ children: inner }) => <OnairProvider client={client}>{inner}</OnairProvider> })
  await settle()
  return result
}

// A link: one connection of any kind, that speaks the messages of the sync protocol whatever is underneath.

import type { ClientMessage, Problem } from '../types.js'
import type { Http } from './http.js'

/** What a link tells the session. */
export interface Hears {
  opened(): void
  /** `undefined`: it could not be read. */
  message(message: unknown): void
  alive(): void
  closed(code?: number, problem?: Problem): void
}

export interface Link {
  send(message: ClientMessage): void
  close(): void
}

/** What links are made of; tests bring their own. */
export interface Site {
  readonly http: Http
  readonly production: string
  readonly token: () => Promise<string | undefined>
  readonly WebSocket: typeof WebSocket | undefined
  readonly pollInterval: number
  readonly maxRetries: number
}

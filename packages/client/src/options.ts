// What a client can be told, and what an edit comes to.

import type { TransportName } from './connection.js'
import type { OnairError } from './errors.js'
import type { Transports } from './shell.js'
import type { Storage } from './storage/storage.js'
import type { Receipt } from './types.js'

/** What a client is told once. */
export interface ClientOptions {
  /** The server, `https://onair.example` say; the page's own where there is one. */
  readonly url?: string
  /** The production, `main` where nothing is said. */
  readonly production?: string
  /** Who it is; a function is asked again when the token is refused. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
  /** Only these collections; nothing: all. */
  readonly collections?: readonly string[]
  /** Milliseconds between two polls, where nothing better works, and how many may fail before it counts as lost. */
  readonly pollInterval?: number
  readonly maxRetries?: number
  /** Milliseconds between two batches of changes. */
  readonly batch?: number
  /** Mutations that may wait. */
  readonly queue?: number
  /** Whether tabs share one connection; by default in a browser. */
  readonly tabs?: boolean
  /** What is tried, from the best to the least; `socket`, `events`, `poll` where nothing is said. */
  readonly transports?: readonly TransportName[]
  /** Where the queue is kept; the best there is where nothing is said. */
  readonly storage?: Storage
  /** What the platform brings; for tests and other platforms. */
  readonly fetch?: typeof fetch
  readonly WebSocket?: typeof WebSocket
  readonly links?: Transports
}

/** How an edit came out. It never rejects: a refusal is told here, and is taken back where it is shown. */
export type Result = ({ readonly outcome: 'applied' | 'merged' | 'conflict' } & Receipt) | { readonly outcome: 'refused'; readonly error: OnairError }

/** How an edit is meant. */
export interface EditOptions {
  /** The document's revision without which nothing is done; 0: there must be none. */
  readonly ifRevision?: number
  /** `false`: over whatever others have made of it meanwhile. */
  readonly merge?: boolean
}

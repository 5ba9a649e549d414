// What goes into a session and what comes out of it: data, so that a test is a table and the shell has no rules.

import type { Connection, TransportName } from '../connection.js'
import type { Pending } from '../pending.js'
import type { Settled } from '../queue.js'
import type { Changed, News } from '../replica.js'
import type { ActionName, ClientMessage, JsonObject, Moved, Plan, Problem, StreamFigures } from '../types.js'

/** What a session waits for; each timer runs once, and setting it again sets it back. */
export type Timer = 'open' | 'retry' | 'silence' | 'pong' | 'answer' | 'again' | 'upgrade'

/** What happens. */
export type Input =
  | { readonly type: 'start'; readonly queue: readonly Pending[] }
  | { readonly type: 'stop' }
  | { readonly type: 'opened'; readonly link: number }
  /** `undefined`: it could not be read. */
  | { readonly type: 'message'; readonly link: number; readonly message: unknown }
  /** A sign of life that is no message. */
  | { readonly type: 'alive'; readonly link: number }
  | { readonly type: 'closed'; readonly link: number; readonly code?: number; readonly problem?: Problem }
  | { readonly type: 'timer'; readonly timer: Timer }
  | { readonly type: 'network'; readonly online: boolean }
  /** To try at once, with another token say. */
  | { readonly type: 'reconnect' }
  | { readonly type: 'queued'; readonly pending: Pending }
  | { readonly type: 'retry'; readonly id?: string }
  | { readonly type: 'clear'; readonly id?: string }
  | { readonly type: 'act'; readonly id: string; readonly action: ActionName; readonly params?: JsonObject }
  | { readonly type: 'signal'; readonly stream: StreamFigures }

/** What is to be done, in this order. */
export type Effect =
  | { readonly do: 'open'; readonly link: number; readonly transport: TransportName }
  /** What is to be stored is stored first. */
  | { readonly do: 'send'; readonly link: number; readonly messages: readonly ClientMessage[]; readonly put?: readonly Pending[] }
  | { readonly do: 'close'; readonly link: number }
  | { readonly do: 'timer'; readonly timer: Timer; readonly ms: number }
  | { readonly do: 'cancel'; readonly timer: Timer }
  | { readonly do: 'store'; readonly put: readonly Pending[]; readonly drop: readonly string[] }
  | { readonly do: 'news'; readonly news: News; readonly changed: readonly Changed[] }
  | { readonly do: 'connection'; readonly connection: Connection }
  | { readonly do: 'settled'; readonly id: string; readonly result: Settled }
  | { readonly do: 'acted'; readonly id: string; readonly result: Moved | Plan | Problem }
  | { readonly do: 'told'; readonly told: Told }

/** What is passed on to whoever listens. */
export type Told =
  | { readonly kind: 'signal'; readonly stream: StreamFigures }
  | { readonly kind: 'presence'; readonly clients: number }
  | { readonly kind: 'report'; readonly report: Report }

/** What was noticed and healed, or what a person should know. */
export type Report =
  /** The digests differ (row Y6): the state is read anew. */
  | { readonly what: 'diverged'; readonly revision: number; readonly server: string; readonly client: string }
  /** Commits are missing: they are asked for. */
  | { readonly what: 'gap'; readonly have: number; readonly got: number }
  /** A message that cannot be: the connection is made anew. */
  | { readonly what: 'garbled'; readonly detail: string }
  /** The server is behind what it said before, within one log. */
  | { readonly what: 'went-back'; readonly have: number; readonly got: number }
  /** Another log: it began anew, was restored or imported. */
  | { readonly what: 'epoch'; readonly before: string; readonly now: string }
  /** The server is of another version than this client was made for. */
  | { readonly what: 'version'; readonly server: string; readonly client: string }
  /** The server said no to something that nobody waits for. */
  | { readonly what: 'problem'; readonly problem: Problem }
  /** The queue could not be stored: it does not survive a reload. */
  | { readonly what: 'storage'; readonly detail: string }

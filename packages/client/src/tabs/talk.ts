// What tabs say to each other: the leader tells news, the others pass on what their users want (row Y5).

import type { Connection } from '../connection.js'
import type { Pending } from '../pending.js'
import type { Settled } from '../queue.js'
import type { News } from '../replica.js'
import type { Input, Told } from '../session/effect.js'
import type { Moved, Plan, Problem } from '../types.js'

/** What a tab may ask of the leader. */
export type Wish = Extract<Input, { type: 'queued' | 'retry' | 'clear' | 'act' | 'signal' | 'reconnect' }>

export type Talk =
  /** Somebody wants to know everything. */
  | { readonly say: 'hi' }
  | {
      readonly say: 'all'
      readonly leader: string
      readonly snapshot: News | undefined
      readonly queue: readonly Pending[]
      readonly settled: readonly (readonly [string, Settled])[]
      readonly connection: Connection
    }
  | { readonly say: 'news'; readonly news: News }
  | { readonly say: 'connection'; readonly connection: Connection }
  | { readonly say: 'settled'; readonly id: string; readonly result: Settled }
  | { readonly say: 'acted'; readonly id: string; readonly result: Moved | Plan | Problem }
  | { readonly say: 'told'; readonly told: Told }
  /** Another token is there for all. */
  | { readonly say: 'token'; readonly token: string }
  | { readonly say: 'wish'; readonly wish: Wish }
  /** Whether anybody leads: a tab that is frozen holds its lock and says nothing. */
  | { readonly say: 'ping' }
  /** Somebody does, and is there: a tab that was frozen has not heard what was said meanwhile, and does not know it. */
  | { readonly say: 'pong'; readonly position: string; readonly pending: number }

// What a session is told, and how long it waits for what.

import type { Backoff } from '../backoff.js'
import type { TransportName } from '../connection.js'
import type { Timer } from './effect.js'

/** What a session is told once. */
export interface Options {
  readonly production: string
  readonly collections?: readonly string[] | undefined
  /** From the best to the least. */
  readonly transports: readonly TransportName[]
  readonly backoff?: Backoff
  /** Whether another token can be had when one is refused. */
  readonly renewable?: boolean
  /** From 0 to 1. */
  readonly random: () => number
}

/** Until the first thing is heard over a link. */
export const OPEN_MS = 10_000
/** Until a `ping` is answered. */
export const PONG_MS = 5_000
/** Silence after which the other side is asked, at most: what a proxy or a person bears. */
export const SILENCE_MS_MAX = 30_000
/** Until a mutation is answered, over a link that lives (row E1). */
export const ANSWER_MS = 10_000
/** Until a better transport is tried beside a lesser one, first and at most. */
export const UPGRADE: Backoff = { first: 5_000, factor: 2, max: 300_000 }
/** How often the same link is asked to put things right before it is made anew. */
export const HEALS_MAX = 3

export const TIMERS: readonly Timer[] = ['open', 'retry', 'silence', 'pong', 'answer', 'again', 'upgrade']

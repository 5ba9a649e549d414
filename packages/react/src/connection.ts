// The connection, and what waits for it (rows Y4, E2).

import type { Connection, Pending } from '@onair/client'
import { useCallback, useEffect, useMemo } from 'react'

import { useOnair } from './provider.js'
import { identity, useSelected, type Equality, type Store } from './select.js'

/** Before there is a client. */
const NOT_YET: Connection = {
  state: 'connecting', reason: null, retryInMs: null, lag: 0, pending: 0, lastUpdate: null, transport: null, server: null, role: null,
}
const NONE: readonly Pending[] = []
const never = (): (() => void) => () => {}

/** The connection, or what `select` makes of it: state, lag, what waits, when the server was last heard. */
export function useConnection(): Connection
export function useConnection<T>(select: (connection: Connection) => T, equal?: Equality<T>): T
export function useConnection<T>(select: (connection: Connection) => T = identity as never, equal?: Equality<T>): T {
  const { source } = useOnair()
  const store = useMemo<Store<Connection>>(() => ({
    subscribe: (listener) => source?.onConnection(listener) ?? never(),
    get: () => source?.connection ?? NOT_YET,
    getServer: () => NOT_YET,
  }), [source])
  return useSelected(store, select, equal)
}

/** The edits that wait, and what can be done about them. */
export interface Queue {
  /** What is not confirmed, in order; `problem` where one no longer goes by itself. */
  readonly pending: readonly Pending[]
  readonly count: number
  /** Sends again what had stopped, and connects at once. */
  retry(id?: string): void
  /** Gives up what waits; it is taken back where it is shown. */
  clear(id?: string): void
}

/** The edits that wait. */
export function useQueue(): Queue {
  const { source } = useOnair()
  const store = useMemo<Store<readonly Pending[]>>(() => ({
    subscribe: (listener) => source?.onQueue(listener) ?? never(),
    get: () => source?.queue ?? NONE,
    getServer: () => NONE,
  }), [source])
  const pending = useSelected(store, identity)
  const count = useConnection((connection) => connection.pending)
  const retry = useCallback((id?: string) => source?.client.retry(id), [source])
  const clear = useCallback((id?: string) => source?.client.clear(id), [source])
  return useMemo(() => ({ pending, count, retry, clear }), [pending, count, retry, clear])
}

/** Asks before the page is left while something is not confirmed; answers whether something is. */
export function useUnsavedGuard(enabled = true): boolean {
  const unsaved = useConnection((connection) => connection.pending > 0)
  useEffect(() => {
    if (!enabled || !unsaved) return undefined
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [enabled, unsaved])
  return unsaved
}


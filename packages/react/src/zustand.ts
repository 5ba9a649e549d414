// A store that other stores read (row Y8): `useStore(onairStore(client), selector)` of Zustand takes it as it is. Only
// reading: what is true is at the server, and edits go there through the client.

import type { Client, Connection, Json, Lifecycle } from '@onair/client'

import { sourceOf } from './source.js'

/** The state of the store. */
export interface OnairState {
  readonly connection: Connection
  /** `undefined` until the client is in step. */
  readonly lifecycle: Lifecycle | undefined
  /** Values by collection and id; a collection is the same object until one of its documents changes. */
  readonly documents: { readonly [collection: string]: { readonly [id: string]: Json } }
}

/** What Zustand calls a read-only store. */
export interface OnairStore {
  getState(): OnairState
  getInitialState(): OnairState
  subscribe(listener: (state: OnairState, before: OnairState) => void): () => void
}

/** A store of these collections. It listens to the client while somebody listens to it. */
export function onairStore(client: Client, collections: readonly string[]): OnairStore {
  const source = sourceOf(client)
  const kept = new Map<string, { readonly of: unknown; readonly values: { readonly [id: string]: Json } }>()
  const values = (name: string): { readonly [id: string]: Json } => {
    const of = source.collection(name)
    const known = kept.get(name)
    if (known?.of === of) return known.values
    const made = Object.fromEntries(of.map(({ id, value }) => [id, value]))
    kept.set(name, { of, values: made })
    return made
  }
  const read = (before?: OnairState): OnairState => {
    const { connection } = source
    const lifecycle = source.document('_system', 'lifecycle')?.value as Lifecycle | undefined
    const documents = Object.fromEntries(collections.map((name) => [name, values(name)]))
    const same = before && collections.every((name) => before.documents[name] === documents[name])
    if (same && before.connection === connection && before.lifecycle === lifecycle) return before
    return { connection, lifecycle, documents: same ? before.documents : documents }
  }
  const initial = read()
  const listeners = new Set<(state: OnairState, before: OnairState) => void>()
  let state = initial
  let ends: (() => void)[] = []
  const changed = (): void => {
    const before = state
    state = read(before)
    if (state !== before) for (const listener of [...listeners]) listener(state, before)
  }
  return {
    getState: () => (state = read(state)),
    getInitialState: () => initial,
    subscribe(listener) {
      const own: typeof listener = (now, before) => listener(now, before)
      listeners.add(own)
      if (listeners.size === 1) {
        ends = [
          ...collections.map((name) => source.onCollection(name, changed)),
          source.onDocument('_system', 'lifecycle', changed),
          source.onConnection(changed),
        ]
        state = read(state)
      }
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return
        for (const end of ends) end()
      }
    },
  }
}

// What goes on with the audience (row N2): documents of the collection `interactions`. Which one is on is itself a
// document, `interactions/current` with `interaction` and `campaign`, so that all desks and viewers agree about it.

import type { Document, Json, JsonObject, Result } from '@onair/client'
import { useCallback, useMemo, useState } from 'react'

import { useConnection } from './connection.js'
import { useCollection } from './documents.js'
import { useMutation } from './mutation.js'
import { useOnair } from './provider.js'

/** A document of the collection `interactions`: whatever the application keeps there. */
export interface Interaction extends JsonObject {}

/** What goes on with the audience. */
export interface Interactions<T = Interaction> {
  /** The one that is on, as its document says; `undefined` when none is, or its document is gone. */
  readonly current: Document<T> | undefined
  /** The campaign it belongs to. */
  readonly campaign: string | undefined
  /** All that are under way: documents with `active: true` or `status: "active"`. */
  readonly active: readonly Document<T>[]
  readonly loading: boolean
  readonly error: Error | undefined
  /** When any of it last looked different, in milliseconds since 1970. */
  readonly lastUpdate: number | undefined
  /** Makes an interaction the current one. */
  set(interaction: string, campaign?: string): Promise<Result>
  /** None is on any more. */
  clear(): Promise<Result | undefined>
  /** Connects at once where there is no connection; what is shown is kept in step by itself. */
  refresh(): void
}

const COLLECTION = 'interactions'
const CURRENT = 'current'

type Pointer = { readonly interaction?: Json; readonly campaign?: Json }

/** The interactions, and the one that is on. */
export function useInteractions<T = Interaction>(): Interactions<T> {
  const { source } = useOnair()
  const documents = useCollection<T>(COLLECTION)
  const state = useConnection((connection) => connection.state)
  const { put, remove, error, status } = useMutation()
  // What was there when it was first looked at was not seen to change.
  const [begun] = useState(() => Date.now())
  const set = useCallback(
    (interaction: string, campaign?: string) => put(COLLECTION, CURRENT, { interaction, campaign: campaign ?? null }),
    [put],
  )
  const there = documents.some(({ id }) => id === CURRENT)
  const clear = useCallback(() => (there ? remove(COLLECTION, CURRENT) : Promise.resolve(undefined)), [there, remove])
  const refresh = useCallback(() => {
    if (source && source.client.connection.state !== 'connected') source.client.retry()
  }, [source])
  return useMemo(() => {
    const pointer = documents.find(({ id }) => id === CURRENT)?.value as Pointer | undefined
    const current = documents.find(({ id }) => id !== CURRENT && id === pointer?.interaction)
    const active = documents.filter(({ id, value }) => id !== CURRENT && isActive(value))
    const loading = state === 'connecting' || status === 'pending'
    return {
      current,
      campaign: typeof pointer?.campaign === 'string' ? pointer.campaign : undefined,
      active,
      loading,
      error,
      lastUpdate: source?.changedAt(COLLECTION) ?? (documents.length > 0 ? begun : undefined),
      set,
      clear,
      refresh,
    }
  }, [documents, state, status, error, source, begun, set, clear, refresh])
}

function isActive(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { active, status } = value as { readonly active?: unknown; readonly status?: unknown }
  return active === true || status === 'active'
}

// The state of the broadcast, from the documents of the server (rows L1, L9, L10).

import type { Conflict, Finding, Json, JsonObject, Lifecycle, Phase, Settings } from '@onair/client'
import { useMemo } from 'react'

import { collectionStore, useDocument } from './documents.js'
import { useOnair } from './provider.js'
import { identity, useSelected, type Equality, type Store } from './select.js'

/** A service of the show, `_services/{name}`. */
export interface Service {
  readonly status: 'down' | 'initializing' | 'ready' | 'starting' | 'active' | 'stopping' | 'failed'
  readonly required: boolean
  readonly adapter: string
  readonly healthy: boolean
  readonly lastSeen: string | null
  readonly error: Json
  readonly [more: string]: Json
}

/** A move of the lifecycle, `_transitions/{revision}`. */
export interface Transition {
  readonly from: Phase
  readonly to: Phase
  readonly reason: string
  readonly actor: string
  readonly at: string
  /** Milliseconds. */
  readonly lasted: number
  readonly [more: string]: Json
}

/** A run of an action, `_sequences/{id}`. */
export interface Sequence {
  readonly id: string
  readonly kind: string
  readonly status: 'running' | 'done' | 'failed' | 'rolledBack'
  readonly startedAt: string
  readonly endedAt: string | null
  readonly error: Json
  readonly steps: readonly { readonly name: string; readonly status: string; readonly attempts: number; readonly error: Json }[]
  readonly [more: string]: Json
}

/** The state of a production at one moment. */
export interface Snapshot {
  /** `undefined` until the client is in step. */
  readonly lifecycle: Lifecycle | undefined
  readonly settings: Settings | undefined
  readonly services: Readonly<Record<string, Service>>
  /** The sequence that runs. */
  readonly sequence: Sequence | undefined
  /** The last 50 moves, oldest first. */
  readonly history: readonly Transition[]
  /** How many are open. */
  readonly conflicts: number
  readonly findings: Readonly<Record<'info' | 'warning' | 'error', number>>
}

/** What of the lifecycle is most asked for; `unknown` until the client is in step. */
export interface BroadcastState {
  readonly phase: Phase | 'unknown'
  readonly paused: boolean
  readonly since: string | null
  readonly sessionId: string | null
  /** The sequence that runs. */
  readonly sequence: string | null
}

const HISTORY = 50
const MOVING: readonly string[] = ['initializing', 'starting', 'stopping']
const SOURCES = ['_system', '_services', '_sequences', '_transitions', '_conflicts', '_findings'] as const

/** `_system/lifecycle`, or what `select` makes of it; `undefined` until the client is in step. */
export function useLifecycle(): Lifecycle | undefined
export function useLifecycle<T>(select: (lifecycle: Lifecycle | undefined) => T, equal?: Equality<T>): T
export function useLifecycle<T>(select: (lifecycle: Lifecycle | undefined) => T = identity as never, equal?: Equality<T>): T {
  return useDocument('_system', 'lifecycle', select, equal)
}

const stateOf = (lifecycle: Lifecycle | undefined): BroadcastState => ({
  phase: lifecycle?.phase ?? 'unknown',
  paused: lifecycle?.paused ?? false,
  since: lifecycle?.since ?? null,
  sessionId: lifecycle?.sessionId ?? null,
  sequence: lifecycle?.sequence ?? null,
})

/** Phase, pause, session and sequence as one value. */
export function useBroadcastState(): BroadcastState {
  const lifecycle = useLifecycle()
  return useMemo(() => stateOf(lifecycle), [lifecycle])
}

/** Whether the show is live, paused or not. */
export function useIsBroadcasting(): boolean {
  return useLifecycle((lifecycle) => lifecycle?.phase === 'live')
}

/** Whether the show is on its way from one phase to another, or a sequence runs. */
export function useIsTransitioning(): boolean {
  return useLifecycle((lifecycle) => lifecycle !== undefined && (MOVING.includes(lifecycle.phase) || lifecycle.sequence !== null))
}

/** Whether something failed and was not cleared. */
export function useHasError(): boolean {
  return useLifecycle((lifecycle) => lifecycle !== undefined && (lifecycle.phase === 'error' || lifecycle.error !== null))
}

/** What failed: the step, the service, the message; `null` when nothing has. */
export function useBroadcastError(): JsonObject | null {
  return useLifecycle((lifecycle) => lifecycle?.error ?? null)
}

/** The whole state, or what `select` makes of it. */
export function useSnapshot(): Snapshot
export function useSnapshot<T>(select: (snapshot: Snapshot) => T, equal?: Equality<T>): T
export function useSnapshot<T>(select: (snapshot: Snapshot) => T = identity as never, equal?: Equality<T>): T {
  const { source, initial } = useOnair()
  const store = useMemo(() => {
    const stores = SOURCES.map((name) => collectionStore(source, initial, name))
    return composed(stores, snapshotOf)
  }, [source, initial])
  return useSelected(store, select, equal)
}

type Parts = readonly (readonly { readonly id: string; readonly value: Json }[])[]

/** One store of several: its state is made anew when one of them is another. */
function composed<T>(stores: readonly Store<Parts[number]>[], make: (parts: Parts) => T): Store<T> {
  const kept = (read: (store: Store<Parts[number]>) => Parts[number]): (() => T) => {
    let last: { readonly parts: Parts; readonly made: T } | undefined
    return () => {
      const parts = stores.map(read)
      if (!last || !last.parts.every((part, at) => part === parts[at])) last = { parts, made: make(parts) }
      return last.made
    }
  }
  return {
    subscribe: (listener) => {
      const ends = stores.map((store) => store.subscribe(listener))
      return () => ends.forEach((end) => end())
    },
    get: kept((store) => store.get()),
    getServer: kept((store) => store.getServer()),
  }
}

function snapshotOf([system, services, sequences, transitions, conflicts, findings]: Parts): Snapshot {
  const values = <T>(part: Parts[number] | undefined): T[] => (part ?? []).map(({ value }) => value as T)
  const document = <T>(id: string): T | undefined => system?.find((one) => one.id === id)?.value as T | undefined
  const standing = values<Finding>(findings).filter(({ clearedAt }) => clearedAt === null)
  const count = (severity: Finding['severity']): number => standing.filter((finding) => finding.severity === severity).length
  const moves = [...(transitions ?? [])].sort((a, b) => Number(a.id) - Number(b.id)).slice(-HISTORY)
  return {
    lifecycle: document('lifecycle'),
    settings: document('settings'),
    services: Object.fromEntries((services ?? []).map(({ id, value }) => [id, value as Service])),
    sequence: values<Sequence>(sequences).find(({ status }) => status === 'running'),
    history: values(moves),
    conflicts: values<Conflict>(conflicts).filter(({ status }) => status === 'open').length,
    findings: { info: count('info'), warning: count('warning'), error: count('error') },
  }
}

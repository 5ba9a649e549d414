// Documents and collections (row Y2).

import type { Document, Documents, Json } from '@onair/client'
import { useMemo } from 'react'

import { useOnair } from './provider.js'
import { identity, useSelected, type Equality, type Store } from './select.js'
import type { Listen, Source } from './source.js'

const EMPTY: readonly Document[] = []

/** What the server rendered with, as documents; made once for each. */
const RENDERED = new WeakMap<object, readonly Document[]>()

/** The document with its revision and whether it waits; `undefined` when there is none, or none yet. */
export function useDocumentEntry<T = Json>(collection: string, id: string): Document<T> | undefined {
  return useSelected(useDocumentStore(collection, id), identity) as Document<T> | undefined
}

/** The document's value, or what `select` makes of it. */
export function useDocument<T = Json>(collection: string, id: string): T | undefined
export function useDocument<T, S>(collection: string, id: string, select: (value: T | undefined) => S, equal?: Equality<S>): S
export function useDocument<T, S>(
  collection: string, id: string, select: (value: T | undefined) => S = identity as never, equal?: Equality<S>,
): S {
  const store = useDocumentStore(collection, id)
  const chosen = useMemo(() => (document: Document | undefined) => select(document?.value as T | undefined), [select])
  return useSelected(store, chosen, equal)
}

/** The documents of a collection by id, or what `select` makes of them. */
export function useCollection<T = Json>(collection: string): readonly Document<T>[]
export function useCollection<T, S>(collection: string, select: (all: readonly Document<T>[]) => S, equal?: Equality<S>): S
export function useCollection<T, S>(
  collection: string, select: (all: readonly Document<T>[]) => S = identity as never, equal?: Equality<S>,
): S {
  return useSelected(useCollectionStore<T>(collection), select, equal)
}

function useCollectionStore<T>(collection: string): Store<readonly Document<T>[]> {
  const { source, initial } = useOnair()
  return useMemo(() => collectionStore(source, initial, collection) as Store<readonly Document<T>[]>, [source, initial, collection])
}

/** Also for what is made of several collections. */
export function collectionStore(source: Source | undefined, initial: Documents, collection: string): Store<readonly Document[]> {
  const before = (): readonly Document[] => rendered(initial, collection)
  return {
    subscribe: (listener) => listen(source, collection in initial, listener, (own) => source?.onCollection(collection, own)),
    get: () => (source && (!(collection in initial) || inStep(source)) ? source.collection(collection) : before()),
    getServer: before,
  }
}

function useDocumentStore(collection: string, id: string): Store<Document | undefined> {
  const { source, initial } = useOnair()
  return useMemo(() => {
    const before = (): Document | undefined => rendered(initial, collection).find((document) => document.id === id)
    return {
      subscribe: (listener) => listen(source, collection in initial, listener, (own) => source?.onDocument(collection, id, own)),
      get: () => (source && (!(collection in initial) || inStep(source)) ? source.document(collection, id) : before()),
      getServer: before,
    }
  }, [source, initial, collection, id])
}

/** What a server rendered with is shown until the client is in step, which no change of a document may tell. */
function listen(
  source: Source | undefined, first: boolean, listener: Listen, listening: (own: Listen) => (() => void) | undefined,
): () => void {
  const ends = [listening(listener), first ? source?.onConnection(listener) : undefined]
  return () => ends.forEach((end) => end?.())
}

/** Whether the client has anything: a position is `epoch:revision`, and without an epoch there is no log yet. */
function inStep({ client }: Source): boolean {
  return !client.position.startsWith(':')
}

function rendered(initial: Documents, collection: string): readonly Document[] {
  const entries = initial[collection]
  if (!entries) return EMPTY
  const known = RENDERED.get(entries)
  if (known) return known
  const documents = Object.entries(entries).map(([id, entry]) => ({ id, ...entry, pending: false }))
  documents.sort((a, b) => (a.id < b.id ? -1 : 1))
  RENDERED.set(entries, documents)
  return documents
}

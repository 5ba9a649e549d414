// TanStack Query (row Y8): what commits change is out of date there. Queries of the application's own are named by
// `keysOf`; those below are kept by the client and only shown through a query.

import type { Changed, Client, Document, Json } from '@onair/client'

/** What is used of a `QueryClient`. */
export interface Invalidates {
  invalidateQueries(filters: { readonly queryKey: readonly unknown[] }): Promise<unknown>
}

/** Which queries a change makes out of date. */
export interface InvalidateOptions {
  /** Only these collections; nothing: all of the application's, those of the server not. */
  readonly collections?: readonly string[]
  /** Further keys that a change makes out of date, `['playlist']` say. */
  readonly keysOf?: (change: Changed) => readonly (readonly unknown[])[]
}

/** The keys of what is kept here; a collection's key begins those of its documents. */
export const onairKeys = {
  all: (production: string) => ['onair', production] as const,
  collection: (production: string, collection: string) => ['onair', production, collection] as const,
  document: (production: string, collection: string, id: string) => ['onair', production, collection, id] as const,
}

/** Makes queries out of date as commits come; floods are one batch, and each key is named once in it. What is returned ends it. */
export function invalidateFromCommits(client: Client, queries: Invalidates, options: InvalidateOptions = {}): () => void {
  const { production } = client.http
  const { collections, keysOf } = options
  const wanted = (name: string): boolean => (collections ? collections.includes(name) : !name.startsWith('_'))
  return client.subscribe({}, (changes) => {
    const keys = new Map<string, readonly unknown[]>()
    for (const change of changes.filter(({ collection }) => wanted(collection))) {
      const { collection, id } = change
      const own = [onairKeys.document(production, collection, id), [...onairKeys.collection(production, collection), { list: true }]]
      for (const key of [...own, ...(keysOf?.(change) ?? [])]) keys.set(JSON.stringify(key), key)
    }
    for (const queryKey of keys.values()) void queries.invalidateQueries({ queryKey })
  })
}

/** Options of a query for one document: `useQuery(documentQuery(client, 'scenes', 'intro'))`. `null` when there is none. */
export function documentQuery<T = Json>(client: Client, collection: string, id: string): {
  readonly queryKey: readonly unknown[]
  readonly queryFn: () => Promise<T | null>
  readonly staleTime: number
} {
  return {
    queryKey: onairKeys.document(client.http.production, collection, id),
    queryFn: async () => client.get<T>(collection, id) ?? null,
    staleTime: Infinity,
  }
}

/** Options of a query for all documents of a collection. */
export function collectionQuery<T = Json>(client: Client, collection: string): {
  readonly queryKey: readonly unknown[]
  readonly queryFn: () => Promise<readonly Document<T>[]>
  readonly staleTime: number
} {
  return {
    queryKey: [...onairKeys.collection(client.http.production, collection), { list: true }],
    queryFn: async () => client.all<T>(collection),
    staleTime: Infinity,
  }
}

// What a tab shows: the confirmed cache with the pending edits on top, kept by news. The same in the tab that leads
// and in those that follow, so a follower that becomes the leader has everything already (rows Y2, Y3, Y5).

import { Cache } from './cache.js'
import { equal, isObject } from './json/value.js'
import type { Strategies } from './merge.js'
import { keyOf, rebased, type Pending } from './pending.js'
import type { Commit, Documents, Entry, Json } from './types.js'

/** What every tab is told. */
export type News =
  | { readonly kind: 'snapshot'; readonly epoch: string; readonly revision: number; readonly documents: Documents }
  | { readonly kind: 'commit'; readonly commit: Commit }
  | { readonly kind: 'queue'; readonly put: readonly Pending[]; readonly drop: readonly string[] }

/** A document as it is shown. */
export interface Document<T = Json> {
  readonly id: string
  /** The revision of the commit that last changed it; 0 when only a pending edit makes it be there. */
  readonly revision: number
  readonly value: T
  /** Whether a pending edit is on top. */
  readonly pending: boolean
}

/** What happened to a document, as it is shown. */
export type ChangeKind = 'created' | 'updated' | 'deleted' | 'restored'
/** A document that looks different from before. */
export interface Changed {
  readonly kind: ChangeKind
  readonly collection: string
  readonly id: string
  readonly value: Json | undefined
  readonly before: Json | undefined
  /** Whether it was made here and is not confirmed. */
  readonly local: boolean
}

interface Made {
  readonly of: Json | undefined
  readonly by: Strategies | undefined
  readonly value: Json | undefined
}

/** The confirmed cache with the pending edits on top. */
export class Replica {
  readonly cache = new Cache()
  #pending = new Map<string, Pending>()
  /** The pending mutations of a document, in order. */
  #of = new Map<string, Pending[]>()
  #shown = new Map<string, Json | undefined>()
  /** What each pending mutation made of which value, so that a row of them is gone through without merging all anew. */
  #made = new WeakMap<Pending, Map<string, Made>>()
  #lists = new Map<string, readonly Document[]>()

  /** The pending mutations, joined ones counted. */
  get pending(): number {
    let count = 0
    for (const { joined, until } of this.#pending.values()) if (until === undefined) count += 1 + (joined?.length ?? 0)
    return count
  }

  queue(): readonly Pending[] {
    return [...this.#pending.values()].sort((a, b) => a.order - b.order)
  }

  /** Those that touch the document, in order. */
  behind(collection: string, id: string): readonly Pending[] {
    return this.#of.get(`${collection}/${id}`) ?? []
  }

  get(collection: string, id: string): Document | undefined {
    const [key, entry] = [`${collection}/${id}`, this.cache.get(collection, id)]
    return document(id, this.#shown.has(key), this.#shown.get(key), entry)
  }

  /** The documents of a collection, by id: the same array until one of them changes. */
  all(collection: string): readonly Document[] {
    const known = this.#lists.get(collection)
    if (known) return known
    const documents = new Map<string, Document | undefined>()
    for (const [id] of this.cache.entries(collection)) documents.set(id, this.get(collection, id))
    for (const key of this.#shown.keys()) {
      const [name, id] = key.split('/') as [string, string]
      if (name === collection) documents.set(id, this.get(collection, id))
    }
    const list = [...documents.values()].filter((one) => one !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#lists.set(collection, list)
    return list
  }

  /** Takes news in and says what changed in what is shown; `undefined` when they do not follow what is here. */
  apply(news: News): readonly Changed[] | undefined {
    switch (news.kind) {
      case 'snapshot':
        return this.#load(news)
      case 'commit':
        return this.#commit(news.commit)
      case 'queue':
        return this.#queue(news.put, news.drop)
    }
  }

  #load({ epoch, revision, documents }: News & { kind: 'snapshot' }): readonly Changed[] {
    const keys = new Map<string, Json | undefined>()
    for (const collection of this.cache.names()) {
      for (const { id, value } of this.all(collection)) keys.set(`${collection}/${id}`, value)
    }
    for (const key of this.#shown.keys()) keys.set(key, this.#shown.get(key))
    this.cache.load(epoch, revision, this.#same(epoch, documents))
    for (const [collection, entries] of Object.entries(documents)) {
      for (const id of Object.keys(entries)) if (!keys.has(`${collection}/${id}`)) keys.set(`${collection}/${id}`, undefined)
    }
    this.#lists.clear()
    this.#drop((pending) => pending.until !== undefined && pending.until <= revision)
    return this.#told(keys, false)
  }

  /** The documents with those entries that are known already as the objects they were. */
  #same(epoch: string, documents: Documents): Documents {
    const known = (collection: string, id: string, entry: Entry): Entry => {
      const before = this.cache.get(collection, id)
      return before && epoch === this.cache.epoch && before.revision === entry.revision && equal(before.value, entry.value) ? before : entry
    }
    const kept = Object.entries(documents).map(([collection, entries]) => {
      return [collection, Object.fromEntries(Object.entries(entries).map(([id, entry]) => [id, known(collection, id, entry)]))] as const
    })
    return Object.fromEntries(kept)
  }

  #commit(commit: Commit): readonly Changed[] | undefined {
    const keys = new Map<string, Json | undefined>()
    const restored = new Set<string>()
    for (const { collection, id, op } of commit.changes) {
      keys.set(`${collection}/${id}`, this.get(collection, id)?.value)
      if (op === 'restore') restored.add(`${collection}/${id}`)
    }
    const applied = this.cache.apply(commit)
    if (applied !== 'applied') return applied === 'known' ? [] : undefined
    const done = this.#drop(({ id, until }) => id === commit.mutation || (until !== undefined && until <= commit.revision), keys)
    return this.#told(done, false, restored)
  }

  #queue(put: readonly Pending[], drop: readonly string[]): readonly Changed[] {
    const out = new Set([...drop, ...put.map(({ id }) => id)])
    const keys = this.#drop(({ id }) => out.has(id))
    const came = new Map<string, Pending[]>()
    for (const pending of put) {
      if (pending.until !== undefined && pending.until <= this.cache.revision) continue
      this.#pending.set(pending.id, pending)
      for (const edit of pending.edits) {
        const key = keyOf(edit)
        if (!keys.has(key)) keys.set(key, this.get(edit.collection, edit.document)?.value)
        const own = came.get(key) ?? []
        if (own.at(-1) !== pending) own.push(pending)
        came.set(key, own)
      }
    }
    // An answer touches all that wait behind it: each document's list is put in order once, not once for each of them.
    for (const [key, own] of came) this.#of.set(key, [...(this.#of.get(key) ?? []), ...own].sort((a, b) => a.order - b.order))
    const restored = put.flatMap(({ edits }) => edits.filter(({ op }) => op === 'restore').map(keyOf))
    return this.#told(keys, true, new Set(restored))
  }

  /** Takes pending mutations away; what the documents that they touch showed is put into `keys`. */
  #drop(out: (pending: Pending) => boolean, keys = new Map<string, Json | undefined>()): Map<string, Json | undefined> {
    const gone = new Map<string, Set<string>>()
    for (const pending of this.#pending.values()) {
      if (!out(pending)) continue
      this.#pending.delete(pending.id)
      for (const edit of pending.edits) {
        const key = keyOf(edit)
        if (!keys.has(key)) keys.set(key, this.#shown.has(key) ? this.#shown.get(key) : this.cache.get(edit.collection, edit.document)?.value)
        gone.set(key, (gone.get(key) ?? new Set<string>()).add(pending.id))
      }
    }
    for (const [key, ids] of gone) {
      const left = (this.#of.get(key) ?? []).filter(({ id }) => !ids.has(id))
      if (left.length > 0) this.#of.set(key, left)
      else this.#of.delete(key)
    }
    return keys
  }

  /** Shows these documents anew and says which look different. */
  #told(keys: ReadonlyMap<string, Json | undefined>, local: boolean, restored?: ReadonlySet<string>): readonly Changed[] {
    const changed: Changed[] = []
    for (const [key, before] of keys) {
      const [collection, id] = key.split('/') as [string, string]
      this.#show(key, collection, id)
      this.#lists.delete(collection)
      const value = this.get(collection, id)?.value
      if (before === value || equal(before, value)) continue
      const kind = restored?.has(key) ? 'restored' : before === undefined ? 'created' : value === undefined ? 'deleted' : 'updated'
      changed.push({ kind, collection, id, value, before, local })
    }
    return changed
  }

  #show(key: string, collection: string, id: string): void {
    const edits = (this.#of.get(key) ?? []).filter(({ problem }) => !problem)
    if (edits.length === 0) {
      this.#shown.delete(key)
      return
    }
    let value = this.cache.get(collection, id)?.value
    const strategies = this.#strategies(collection)
    for (const pending of edits) value = this.#on(key, pending, value, strategies)
    this.#shown.set(key, value)
  }

  /** The value with the mutation on top: the same object as before when nothing under it changed. */
  #on(key: string, pending: Pending, of: Json | undefined, by: Strategies | undefined): Json | undefined {
    const made = this.#made.get(pending) ?? new Map<string, Made>()
    const known = made.get(key)
    if (known && known.by === by && equal(known.of, of)) return known.value
    let value = of
    for (const edit of pending.edits) if (keyOf(edit) === key) value = rebased(edit, value, by)
    made.set(key, { of, by, value })
    this.#made.set(pending, made)
    return value
  }

  /** What the manifest says about merging the fields of a collection. */
  #strategies(collection: string): Strategies | undefined {
    const manifest = this.cache.get('_system', 'manifest')?.value
    const collections = isObject(manifest) ? manifest['collections'] : undefined
    const rules = isObject(collections) ? collections[collection] : undefined
    return isObject(rules) ? (rules['merge'] as Strategies | undefined) : undefined
  }
}

function document(id: string, pending: boolean, shown: Json | undefined, entry: Entry | undefined): Document | undefined {
  const value = pending ? shown : entry?.value
  return value === undefined ? undefined : { id, revision: entry?.revision ?? 0, value, pending }
}

// What a client keeps, and the one small function it needs: apply a commit to a cache. Contract, section 1.
//
// A commit costs what it changes, whatever the number of documents; parts of a document that it leaves alone stay
// the same objects, so that who compares by identity redraws only what changed.

import { EMPTY, lanesOf, minus, plus, written, type Lanes } from './json/digest.js'
import { patched } from './patch.js'
import type { Change, Commit, Documents, Entry, Json } from './types.js'

/** Deleted documents of which the last value is remembered, to show a restore at once. */
const DELETED_MAX = 256

/** What became of a commit: the next one changes the cache, one that is known or not the next changes nothing. */
export type Applied = 'applied' | 'known' | 'gap'

/** A copy of a production, or of some of its collections, kept in step by commits. */
export class Cache {
  epoch = ''
  /** The last commit applied. */
  revision = 0
  #collections = new Map<string, Map<string, Entry>>()
  #deleted = new Map<string, Json>()
  /** Computed when first asked for, and kept from then on. */
  #lanes: Lanes | undefined = EMPTY

  /** Begins again at a snapshot. */
  load(epoch: string, revision: number, documents: Documents): void {
    this.epoch = epoch
    this.revision = revision
    this.#collections = new Map()
    this.#deleted.clear()
    this.#lanes = undefined
    for (const [collection, entries] of Object.entries(documents)) {
      const kept = Object.entries(entries)
      if (kept.length > 0) this.#collections.set(collection, new Map(kept))
    }
  }

  /** Makes the commit true here. */
  apply(commit: Commit): Applied {
    if (commit.revision <= this.revision) return 'known'
    if (commit.revision !== this.revision + 1) return 'gap'
    for (const change of commit.changes) this.#change(change)
    this.revision = commit.revision
    return 'applied'
  }

  get(collection: string, id: string): Entry | undefined {
    return this.#collections.get(collection)?.get(id)
  }

  /** The last value of a document that was deleted not long ago. */
  deleted(collection: string, id: string): Json | undefined {
    return this.#deleted.get(`${collection}/${id}`)
  }

  names(): Iterable<string> {
    return this.#collections.keys()
  }

  entries(collection: string): Iterable<[string, Entry]> {
    return this.#collections.get(collection) ?? []
  }

  /** Everything, as a snapshot carries it. */
  documents(): Documents {
    const all = [...this.#collections].map(([name, entries]) => [name, Object.fromEntries(entries)] as const)
    return Object.fromEntries(all)
  }

  /** The digest of what it holds (row Y6). */
  digest(): string {
    if (!this.#lanes) {
      let lanes = EMPTY
      for (const [collection, entries] of this.#collections) {
        for (const [id, entry] of entries) lanes = plus(lanes, lanesOf(collection, id, entry.revision, entry.value))
      }
      this.#lanes = lanes
    }
    return written(this.#lanes)
  }

  #change(change: Change): void {
    const { collection, id, revision } = change
    const entries = this.#collections.get(collection) ?? new Map<string, Entry>()
    const before = entries.get(id)
    const value = appliedTo(change, before?.value)
    if (this.#lanes && before) this.#lanes = minus(this.#lanes, lanesOf(collection, id, before.revision, before.value))
    if (value === undefined) {
      entries.delete(id)
      if (before) this.#remember(`${collection}/${id}`, before.value)
    } else {
      if (this.#lanes) this.#lanes = plus(this.#lanes, lanesOf(collection, id, revision, value))
      entries.set(id, { revision, value })
      this.#deleted.delete(`${collection}/${id}`)
    }
    if (entries.size > 0) this.#collections.set(collection, entries)
    else this.#collections.delete(collection)
  }

  #remember(key: string, value: Json): void {
    this.#deleted.set(key, value)
    if (this.#deleted.size > DELETED_MAX) this.#deleted.delete(this.#deleted.keys().next().value as string)
  }
}

function appliedTo(change: Change, before: Json | undefined): Json | undefined {
  switch (change.op) {
    case 'put':
    case 'restore':
      return change.value
    case 'patch':
      return patched(before, change.patch)
    case 'delete':
      return undefined
  }
}

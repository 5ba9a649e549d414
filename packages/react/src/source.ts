// What a client holds, as React can read it: one object per document until it looks different, and as of the last
// batch, so that two components never show two states of one document. One listener at the client serves all.

import type { Changed, Client, Connection, Document, Pending } from '@onair/client'

export type Listen = () => void

/** Objects that nobody looks at and that are kept all the same, at most. */
const UNWATCHED_MAX = 512
const NOBODY: ReadonlySet<Listen> = new Set()

/** One thing that is looked at: a document or a collection. */
interface Seen<T> {
  value: T
  readonly listeners: Set<Listen>
}

export class Source {
  readonly #documents = new Map<string, Seen<Document | undefined>>()
  readonly #lists = new Map<string, Seen<readonly Document[]>>()
  readonly #connections = new Set<Listen>()
  readonly #queues = new Set<Listen>()
  readonly #times = new Map<string, number>()
  #connection: Connection
  #queue: readonly Pending[] = []
  #listeners = 0
  #end: (() => void) | undefined

  constructor(readonly client: Client) {
    this.#connection = client.connection
  }

  /** Everybody who listens; for tests. */
  get listeners(): number {
    return this.#listeners
  }

  document(collection: string, id: string): Document | undefined {
    const key = `${collection}/${id}`
    const seen = this.#documents.get(key) ?? this.#seen(this.#documents, key, undefined)
    // What somebody looks at changes with the batch; what nobody looks at is compared, and stays the object it was.
    if (seen.listeners.size === 0) seen.value = newer(seen.value, this.client.document(collection, id))
    return seen.value
  }

  /** The documents by id; those that look as before are the objects they were. */
  collection(name: string): readonly Document[] {
    const seen = this.#lists.get(name) ?? this.#seen(this.#lists, name, [])
    if (seen.listeners.size === 0) seen.value = newerList(seen.value, this.client.all(name))
    return seen.value
  }

  get connection(): Connection {
    if (this.#listeners === 0) this.#connection = this.client.connection
    return this.#connection
  }

  /** What waits to be confirmed, in order. */
  get queue(): readonly Pending[] {
    if (this.#queues.size === 0) this.#queue = sameItems(this.#queue, this.client.queue())
    return this.#queue
  }

  /** When the collection last looked different, in milliseconds since 1970. */
  changedAt(collection: string): number | undefined {
    return this.#times.get(collection)
  }

  onDocument(collection: string, id: string, listener: Listen): () => void {
    this.document(collection, id)
    return this.#listen((this.#documents.get(`${collection}/${id}`) as Seen<unknown>).listeners, listener)
  }

  onCollection(name: string, listener: Listen): () => void {
    this.collection(name)
    return this.#listen((this.#lists.get(name) as Seen<unknown>).listeners, listener)
  }

  onConnection(listener: Listen): () => void {
    return this.#listen(this.#connections, listener)
  }

  onQueue(listener: Listen): () => void {
    void this.queue
    return this.#listen(this.#queues, listener)
  }

  #seen<T>(all: Map<string, Seen<T>>, key: string, value: T): Seen<T> {
    if (all.size > UNWATCHED_MAX + 2 * this.#listeners) {
      for (const [name, { listeners }] of all) if (listeners.size === 0) all.delete(name)
    }
    const seen = { value, listeners: new Set<Listen>() }
    all.set(key, seen)
    return seen
  }

  /** Each call counts by itself, also with the same function. */
  #listen(listeners: Set<Listen>, listener: Listen): () => void {
    const own = (): void => listener()
    listeners.add(own)
    this.#listeners += 1
    if (this.#listeners === 1) this.#begin()
    return () => {
      if (!listeners.delete(own)) return
      this.#listeners -= 1
      if (this.#listeners > 0) return
      this.#end?.()
      this.#end = undefined
    }
  }

  #begin(): void {
    this.#connection = this.client.connection
    const ends = [
      this.client.subscribe({}, (changes) => this.#changed(changes)),
      this.client.onConnection((connection) => this.#connected(connection)),
    ]
    this.#end = () => ends.forEach((end) => end())
  }

  #changed(changes: readonly Changed[]): void {
    const told = new Set<Listen>()
    const now = Date.now()
    const collections = new Set<string>()
    for (const { collection, id } of changes) {
      collections.add(collection)
      this.#look(`${collection}/${id}`, told)
    }
    for (const name of collections) {
      this.#times.set(name, now)
      this.#lookAll(name, told)
    }
    this.#settle(told)
    for (const listener of told) listener()
  }

  #connected(connection: Connection): void {
    const told = new Set<Listen>(this.#connections)
    this.#connection = connection
    this.#settle(told)
    for (const listener of told) listener()
  }

  /** An edit that is confirmed as it was shown is no change of a value, and all the same it waits no longer. */
  #settle(told: Set<Listen>): void {
    for (const [key, { value }] of this.#documents) if (value?.pending) this.#look(key, told)
    for (const [name, { value }] of this.#lists) if (value.some(({ pending }) => pending)) this.#lookAll(name, told)
    const queue = this.#queues.size > 0 ? sameItems(this.#queue, this.client.queue()) : this.#queue
    if (queue !== this.#queue) add(told, this.#queues)
    this.#queue = queue
  }

  #look(key: string, told: Set<Listen>): void {
    const seen = this.#documents.get(key)
    if (!seen) return
    const at = key.indexOf('/')
    const value = newer(seen.value, this.client.document(key.slice(0, at), key.slice(at + 1)))
    add(told, value === seen.value ? NOBODY : seen.listeners)
    seen.value = value
  }

  #lookAll(name: string, told: Set<Listen>): void {
    const seen = this.#lists.get(name)
    if (!seen) return
    const value = newerList(seen.value, this.client.all(name))
    add(told, value === seen.value ? NOBODY : seen.listeners)
    seen.value = value
  }
}

const SOURCES = new WeakMap<Client, Source>()

/** The one source of a client. */
export function sourceOf(client: Client): Source {
  const known = SOURCES.get(client) ?? new Source(client)
  SOURCES.set(client, known)
  return known
}

function add<T>(all: Set<T>, more: Iterable<T>): void {
  for (const one of more) all.add(one)
}

function newer(before: Document | undefined, now: Document | undefined): Document | undefined {
  const same = before && now && before.value === now.value && before.revision === now.revision && before.pending === now.pending
  return same ? before : now
}

function newerList(before: readonly Document[], now: readonly Document[]): readonly Document[] {
  const known = new Map(before.map((document) => [document.id, document]))
  return sameItems(before, now.map((document) => newer(known.get(document.id), document) as Document))
}

function sameItems<T>(before: readonly T[], now: readonly T[]): readonly T[] {
  return before.length === now.length && before.every((item, at) => item === now[at]) ? before : now
}

// The queue in IndexedDB: the place is the key, which the database counts for all tabs; the id is there once.

import type { Pending } from '../pending.js'
import type { Storage } from './storage.js'

const QUEUE = 'queue'
/** Where another tab holds an old version open, nothing ever comes: then it is done without. Milliseconds. */
const OPEN_MS = 3_000

/** A queue in IndexedDB, in the database `onair SCOPE`; rejects when that does not open within 3 s. */
export async function indexedDb(scope: string, factory: IDBFactory = globalThis.indexedDB): Promise<Storage> {
  const opening = factory.open(`onair ${scope}`, 1)
  opening.onupgradeneeded = () => {
    const queue = opening.result.createObjectStore(QUEUE, { keyPath: 'order', autoIncrement: true })
    queue.createIndex('id', 'id', { unique: true })
  }
  const late = new Promise<never>((_, reject) => setTimeout(reject, OPEN_MS, new Error('the database does not open')))
  const database = await Promise.race([asked(opening), late])
  // What is acknowledged to the author is on disk, as far as the browser promises it.
  const begin = (): IDBTransaction => database.transaction(QUEUE, 'readwrite', { durability: 'strict' })
  return {
    async add({ order: _, ...pending }) {
      const transaction = begin()
      const order = asked(transaction.objectStore(QUEUE).add(pending))
      await done(transaction)
      return { ...pending, order: (await order) as number }
    },
    async write(put, drop) {
      const transaction = begin()
      const queue = transaction.objectStore(QUEUE)
      for (const id of drop) {
        const found = queue.index('id').getKey(id)
        found.onsuccess = () => {
          if (found.result !== undefined) queue.delete(found.result)
        }
      }
      for (const pending of put) queue.put(pending)
      await done(transaction)
    },
    async all() {
      return (await asked(database.transaction(QUEUE).objectStore(QUEUE).getAll())) as Pending[]
    },
    close: () => database.close(),
  }
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = transaction.onerror = () => reject(transaction.error)
  })
}

// Where the queue is kept: in IndexedDB, so that it survives reload and crash (row Y4), in localStorage where that is
// missing, and in memory where nothing is.

import type { Pending } from '../pending.js'
import { indexedDb } from './indexeddb.js'

/** Where the queue is kept; an application may bring its own. */
export interface Storage {
  /** Keeps it and gives it its place behind all others, those of other tabs included. Rejects when it is not kept. */
  add(pending: Pending): Promise<Pending>
  /** Keeps and forgets, all or nothing. */
  write(put: readonly Pending[], drop: readonly string[]): Promise<void>
  /** Everything that is kept, in order. */
  all(): Promise<readonly Pending[]>
  close(): void
}

/** The best there is here. `scope` is the server and the production. */
export async function openStorage(scope: string): Promise<Storage> {
  try {
    return await indexedDb(scope)
  } catch {
    // Missing, or forbidden in this mode of the browser.
  }
  try {
    return (await import('./local.js')).local(scope, globalThis.localStorage)
  } catch {
    return (await import('./memory.js')).memory()
  }
}

// A queue that lives as long as the program.

import type { Pending } from '../pending.js'
import type { Storage } from './storage.js'

/** A queue that is gone with the program: for tests, and for what need not survive. */
export function memory(): Storage {
  const kept = new Map<string, Pending>()
  let order = 0
  return {
    async add(pending) {
      order += 1
      const placed = { ...pending, order }
      kept.set(pending.id, placed)
      return placed
    },
    async write(put, drop) {
      for (const pending of put) kept.set(pending.id, pending)
      for (const id of drop) kept.delete(id)
    },
    async all() {
      return [...kept.values()].sort((a, b) => a.order - b.order)
    },
    close() {},
  }
}

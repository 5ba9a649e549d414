// A queue in localStorage, one key each: slower and smaller than IndexedDB, and there where that is not.

import type { Pending } from '../pending.js'
import type { Storage } from './storage.js'

/** A queue in `localStorage` or `sessionStorage`; throws where reading is forbidden. */
export function local(scope: string, store: globalThis.Storage): Storage {
  const prefix = `onair:${scope}:`
  // Where it is forbidden, reading it throws; whoever opens it tries another.
  store.getItem(prefix)
  const all = (): Pending[] => {
    const keys = Array.from({ length: store.length }, (_, at) => store.key(at) ?? '').filter((key) => key.startsWith(prefix))
    const found = keys.flatMap((key) => {
      try {
        return [JSON.parse(store.getItem(key) ?? '') as Pending]
      } catch {
        return []
      }
    })
    return found.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  }
  return {
    async add(pending) {
      const placed = { ...pending, order: (all().at(-1)?.order ?? 0) + 1 }
      store.setItem(prefix + pending.id, JSON.stringify(placed))
      return placed
    },
    async write(put, drop) {
      for (const pending of put) store.setItem(prefix + pending.id, JSON.stringify(pending))
      for (const id of drop) store.removeItem(prefix + id)
    },
    async all() {
      return all()
    },
    close() {},
  }
}

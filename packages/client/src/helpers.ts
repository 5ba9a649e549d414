// Who listens to documents: everything, a collection or one document; single changes and restores at once, floods in
// batches (rows Y2, Y7).

import type { ChangeKind, Changed } from './replica.js'

/** Milliseconds between two batches. */
export const BATCH_MS = 100

/** What somebody listens to; what is left out is everything. */
export interface Of {
  readonly collection?: string
  readonly id?: string
  readonly kind?: ChangeKind
}

/** Is told changes in batches; each batch has at least one. */
export type Listener = (changes: readonly Changed[]) => void

export class Feed {
  #listeners = new Map<object, { readonly of: Of; readonly listener: Listener }>()
  #waiting: Changed[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly every: number = BATCH_MS) {}

  /** Calls `listener` with each batch that has something for it, until what is returned is called. */
  listen(of: Of, listener: Listener): () => void {
    const key = {}
    this.#listeners.set(key, { of, listener })
    return () => void this.#listeners.delete(key)
  }

  add(changes: readonly Changed[]): void {
    if (changes.length === 0) return
    this.#waiting.push(...changes)
    // An author sees his edit at once, and so does everybody what was restored.
    const atOnce = changes.some(({ local, kind }) => local || kind === 'restored')
    if (atOnce || this.#timer === undefined) this.flush()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const changes = this.#waiting
    if (changes.length === 0) return
    this.#waiting = []
    this.#timer = setTimeout(() => this.flush(), this.every)
    for (const { of, listener } of [...this.#listeners.values()]) {
      const own = changes.filter((change) => {
        return (
          (of.collection ?? change.collection) === change.collection &&
          (of.id ?? change.id) === change.id &&
          (of.kind ?? change.kind) === change.kind
        )
      })
      if (own.length > 0) guarded(listener, own)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }
}

/** Listeners of anything else. */
export class Listeners<T> {
  #all = new Map<object, (value: T) => void>()

  listen(listener: (value: T) => void): () => void {
    const key = {}
    this.#all.set(key, listener)
    return () => void this.#all.delete(key)
  }

  tell(value: T): void {
    for (const listener of [...this.#all.values()]) guarded(listener, value)
  }
}

/** A listener that throws is its author's business: the others are told all the same, and the page hears of it. */
function guarded<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

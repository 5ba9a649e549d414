// Writes of the session, in order. What comes while the disk is busy goes in one transaction behind it: an answer that
// changes many waiting edits, or a burst of answers, costs a write and not one each (row Y4).

import type { Pending } from '../pending.js'
import type { Storage } from './storage.js'

export class Writer {
  /** What is written next: the last word on each mutation, `undefined` for one that is forgotten. */
  #next = new Map<string, Pending | undefined>()
  #then: (() => void)[] = []
  #busy = false

  constructor(
    private readonly storage: Storage,
    private readonly failed: (error: unknown) => void,
  ) {}

  write(put: readonly Pending[], drop: readonly string[]): void {
    for (const pending of put) this.#next.set(pending.id, pending)
    for (const id of drop) this.#next.set(id, undefined)
    if (!this.#busy && this.#next.size > 0) void this.#run()
  }

  /** Does it when all that was to be written is: at once when nothing is. */
  after(then: () => void): void {
    if (this.#busy) this.#then.push(then)
    else then()
  }

  async #run(): Promise<void> {
    this.#busy = true
    // What one message leads to is written as one.
    await undefined
    while (this.#next.size > 0) {
      const [next, then] = [[...this.#next], this.#then]
      this.#next = new Map()
      this.#then = []
      const put = next.flatMap(([, pending]) => pending ?? [])
      await this.storage.write(put, next.flatMap(([id, pending]) => (pending ? [] : id))).catch(this.failed)
      for (const one of then) one()
    }
    this.#busy = false
    while (!this.#busy && this.#then.length > 0) this.#then.shift()?.()
  }
}

// The queue of mutations: what is sent next, what an answer does to those behind it, and nothing lost (rows Y4, E2).
//
// Pure: it answers what is to be stored and sent, the shell does it. A mutation waits for those before it on the
// same document, since its base is what they come to; so an author never conflicts with himself.

import { isRetryable, problem } from './errors.js'
import { handedOn, onTop, type Trail } from './landed.js'
import { joined, keyOf, mutationsOf, type Edit, type Pending } from './pending.js'
import type { ClientMessage, Outcome, Problem, Receipt } from './types.js'

/** Mutations that wait at most; more are refused, and none that waits is dropped. */
export const QUEUE_MAX = 1_000
/** Mutations under way at once: what fills a slow line, and little enough to say again. */
const WINDOW = 64
/** How often one may stay without an answer over links that lived before it stops being sent. */
const UNANSWERED_MAX = 3

/** Mutations whose end is remembered, for those made on top of them that are still being stored: as many as may wait. */
const ENDED_MAX = QUEUE_MAX

/** How a mutation came out. */
export type Settled = { readonly outcome: Outcome; readonly receipt: Receipt } | { readonly outcome: 'refused'; readonly problem: Problem }

/** What changed: to be stored, and to be told to other tabs. */
export interface Moved {
  readonly put: readonly Pending[]
  readonly drop: readonly string[]
  readonly settled: readonly { readonly id: string; readonly result: Settled }[]
}

const NOTHING: Moved = { put: [], drop: [], settled: [] }

/** The mutations that wait, in order. */
export class Queue {
  #waiting: Pending[] = []
  /** Sent over the link there is now. */
  #under = new Set<string>()
  /** What those that ended hand on. */
  #ended = new Map<string, Trail>()

  constructor(private readonly production: string) {}

  /** In order, those with a problem included. */
  all(): readonly Pending[] {
    return this.#waiting
  }

  get(id: string): Pending | undefined {
    return this.#waiting.find((pending) => pending.id === id)
  }

  underWay(): number {
    return this.#under.size
  }

  oldestUnderWay(): string | undefined {
    return this.#waiting.find(({ id }) => this.#under.has(id))?.id
  }

  /** Takes one in, at its place; one that is known is not taken twice. */
  add(pending: Pending): Moved {
    if (this.#waiting.some(({ id, joined }) => id === pending.id || joined?.includes(pending.id))) return NOTHING
    const last = this.#waiting.at(-1)
    const one = last && last.order < pending.order && !this.#under.has(last.id) ? joined(last, pending) : undefined
    if (one) {
      this.#waiting[this.#waiting.length - 1] = one
      return { ...NOTHING, put: [one], drop: [pending.id] }
    }
    // One that it was made on top of may have ended while this one was being stored.
    const placed = pending.behind.reduce((one, id) => onTop(one, this.#ended.get(id) ?? {}), pending)
    this.#insert(placed)
    return { ...NOTHING, put: [placed] }
  }

  /** What is to be said now, in order; it is stored as said before it is said. `baseOf` may know a later base as good. */
  next(epoch: string, baseOf?: (edit: Edit) => number | undefined): { readonly messages: readonly ClientMessage[]; readonly put: readonly Pending[] } {
    const messages: ClientMessage[] = []
    const put: Pending[] = []
    const busy = new Set<string>()
    for (const [at, pending] of this.#waiting.entries()) {
      if (pending.problem || pending.until !== undefined) continue
      const keys = pending.edits.map(keyOf)
      if (!this.#under.has(pending.id)) {
        if (this.#under.size >= WINDOW || keys.some((key) => busy.has(key))) break
        const mutations = pending.sent ?? mutationsOf(pending, epoch, baseOf)
        if (!pending.sent) {
          this.#waiting[at] = { ...pending, sent: mutations }
          put.push(this.#waiting[at] as Pending)
        }
        this.#under.add(pending.id)
        messages.push({ type: 'mutate', id: pending.id, production: this.production, mutations })
      }
      for (const key of keys) busy.add(key)
    }
    return { messages, put }
  }

  /** The link is gone: nobody knows what became of those under way. They are said again, word for word. */
  lost(): void {
    this.#under.clear()
  }

  /** The link lived and one was not answered: it is said again, and no longer by itself when that does not end. */
  unanswered(id: string): Moved {
    const pending = this.get(id)
    if (!pending) return NOTHING
    const unanswered = (pending.unanswered ?? 0) + 1
    const stays = unanswered < UNANSWERED_MAX
    const detail = `sent ${unanswered} times and never answered`
    const { put } = this.#replace({ ...pending, unanswered, ...(!stays && { problem: problem('unanswered', detail) }) })
    // Those behind go on without it, from where those before it ended.
    return { ...NOTHING, put: stays ? put : [...put, ...this.#handOn(pending, [], handedOn(pending))] }
  }

  /** It is done; `reached` says whether the cache has what it came to. */
  answered(id: string, receipt: Receipt, reached: boolean): Moved {
    const pending = this.get(id)
    // An answer that comes twice is one answer.
    if (!pending || pending.until !== undefined) return NOTHING
    const behind = this.#settle(pending, receipt)
    const settled = this.#settled(pending, { outcome: receipt.outcome, receipt })
    if (reached) return { put: behind, drop: [id], settled }
    const until = { ...pending, until: receipt.revision }
    this.#insert(until)
    return { put: [...behind, until], drop: [], settled }
  }

  /** The cache is at this revision: what was only shown until it gets there is shown by it now. */
  reached(revision: number): readonly string[] {
    const drop = this.#waiting.filter(({ until }) => until !== undefined && until <= revision).map(({ id }) => id)
    if (drop.length > 0) this.#waiting = this.#waiting.filter(({ id }) => !drop.includes(id))
    return drop
  }

  /** It is refused. What may go well later stays, at its place; the rest is out, and taken back where it is shown. */
  refused(id: string, why: Problem): Moved {
    const pending = this.get(id)
    if (!pending || pending.until !== undefined) return NOTHING
    if (isRetryable(why) || why.code === 'unauthenticated') {
      this.#under.delete(id)
      return NOTHING
    }
    const put = this.#settle(pending)
    return { put, drop: [id], settled: this.#settled(pending, { outcome: 'refused', problem: why }) }
  }

  /** Says those again that had stopped. */
  retry(id?: string): Moved {
    const again = this.#waiting.filter((pending) => pending.problem && (id === undefined || pending.id === id))
    const put = again.flatMap(({ problem: _, unanswered: __, ...pending }) => this.#replace(pending).put)
    return { ...NOTHING, put }
  }

  /** Gives up what waits, or one of it. What is under way may be done all the same. */
  clear(id?: string): Moved {
    const out = this.#waiting.filter((pending) => pending.until === undefined && (id === undefined || pending.id === id))
    const why = problem('cleared', 'it was taken out of the queue')
    const settled = out.flatMap((pending) => this.#settled(pending, { outcome: 'refused', problem: why }))
    const put = out.flatMap((pending) => this.#settle(pending))
    const drop = out.map(({ id }) => id)
    return { put: put.filter(({ id }) => !drop.includes(id)), drop, settled }
  }

  #insert(pending: Pending): void {
    this.#waiting.push(pending)
    this.#waiting.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  }

  #settled({ id, joined = [] }: Pending, result: Settled): Moved['settled'] {
    return [id, ...joined].map((one) => ({ id: one, result }))
  }

  /** Takes it out; those made on top of it begin where it ended. */
  #settle(pending: Pending, receipt?: Receipt): readonly Pending[] {
    const out = [pending.id, ...(pending.joined ?? [])]
    const trail = handedOn(pending, receipt)
    this.#under.delete(pending.id)
    this.#waiting = this.#waiting.filter(({ id }) => id !== pending.id)
    for (const id of out) this.#ended.set(id, trail)
    for (const id of this.#ended.keys()) if (this.#ended.size > ENDED_MAX) this.#ended.delete(id)
    return this.#handOn(pending, out, trail)
  }

  /** Hands the trail to those directly behind, who hand it on: an answer changes one of a long row, not all. */
  #handOn({ id, joined = [] }: Pending, out: readonly string[], trail: Trail): readonly Pending[] {
    const names = new Set([id, ...joined])
    const changed: Pending[] = []
    this.#waiting = this.#waiting.map((other) => {
      if (!other.behind.some((one) => names.has(one))) return other
      const behind = other.behind.filter((one) => !out.includes(one))
      changed.push({ ...onTop(other, trail), behind })
      return changed.at(-1) as Pending
    })
    return changed
  }

  #replace(pending: Pending): Moved {
    this.#under.delete(pending.id)
    this.#waiting = this.#waiting.map((other) => (other.id === pending.id ? pending : other))
    return { ...NOTHING, put: [pending] }
  }
}

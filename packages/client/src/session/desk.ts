// What was asked and is to be answered: the queue of mutations, and actions, which are not queued (rows E2, L4).

import { problem } from '../errors.js'
import type { Edit, Pending } from '../pending.js'
import { Queue, type Moved as Shifted } from '../queue.js'
import type { Replica } from '../replica.js'
import type { ActionName, ClientMessage, Commit, JsonObject, Moved, Problem, Receipt, ServerMessage } from '../types.js'
import type { Effect } from './effect.js'

/** An action under way; it is asked again over the next link, under the same id, and so done once. */
interface Asked {
  readonly message: ClientMessage
  link: number
}

export class Desk {
  readonly queue: Queue
  #asked = new Map<string, Asked>()
  /** Given up while they were being stored: out as soon as they come. */
  #given = new Set<string>()

  constructor(
    private readonly production: string,
    private readonly replica: Replica,
  ) {
    this.queue = new Queue(production)
  }

  /** Whether something is under way that an answer comes to within seconds. */
  waits(): boolean {
    return this.queue.underWay() > 0
  }

  load(queue: readonly Pending[]): Effect[] {
    const kept = new Set(queue)
    const drop = queue.flatMap((pending) => this.queue.add(pending).drop)
    const effects = this.shift({ put: this.queue.all(), drop, settled: [] }).filter(({ do: what }) => what !== 'store')
    if (drop.length === 0) return effects
    // What comes from the storage need not go back, but for two that became one.
    return [...effects, { do: 'store', put: this.queue.all().filter((pending) => !kept.has(pending)), drop }]
  }

  /** Takes in what is stored by now. */
  queued(pending: Pending): Effect[] {
    const effects = this.shift(this.queue.add(pending))
    return this.#given.delete(pending.id) ? [...effects, ...this.shift(this.queue.clear(pending.id))] : effects
  }

  /** Gives up what waits, also what is shown and not stored yet. */
  clear(id?: string): Effect[] {
    for (const pending of this.replica.queue()) {
      if ((id === undefined || id === pending.id) && !this.queue.get(pending.id)) this.#given.add(pending.id)
    }
    return this.shift(this.queue.clear(id))
  }

  /** What changed in the queue: stored, shown, told to the authors. */
  shift({ put, drop, settled }: Shifted): Effect[] {
    const effects: Effect[] = []
    if (put.length + drop.length > 0) {
      const news = { kind: 'queue', put, drop } as const
      effects.push({ do: 'news', news, changed: this.replica.apply(news) ?? [] })
    }
    // Authors are told before it leaves the storage: after a crash between the two it is only said again.
    effects.push(...settled.map(({ id, result }) => ({ do: 'settled', id, result }) as const))
    if (put.length + drop.length > 0) effects.push({ do: 'store', put, drop })
    return effects
  }

  /** What can be said now. */
  say(link: number): Effect[] {
    const { messages, put } = this.queue.next(this.replica.cache.epoch, (edit) => this.#base(edit))
    const actions: ClientMessage[] = []
    for (const asked of this.#asked.values()) {
      if (asked.link === link) continue
      asked.link = link
      actions.push(asked.message)
    }
    if (messages.length + actions.length === 0) return []
    return [{ do: 'send', link, messages: [...messages, ...actions], put }]
  }

  /**
   * A document that is as it was at the base is so at the revision that is here: saying that one spares the server the
   * way back through its log, and is not refused when the base is no longer kept.
   */
  #base({ collection, document, base, was }: Edit): number | undefined {
    const { cache } = this.replica
    const entry = cache.get(collection, document)
    const unchanged = entry ? entry.revision <= (base ?? 0) : was === undefined
    return unchanged ? Math.max(cache.revision, base ?? 0) : base
  }

  act(id: string, action: ActionName, params: JsonObject | undefined): void {
    const message: ClientMessage = { type: 'action', id, production: this.production, action, ...(params && { params }) }
    this.#asked.set(id, { message, link: -1 })
  }

  /** Actions are for now: what could not be said in time is not said later. */
  giveUp(why: Problem): Effect[] {
    const out = [...this.#asked.keys()]
    this.#asked.clear()
    return out.map((id) => ({ do: 'acted', id, result: why }) as const)
  }

  /** The commit of a mutation is its answer: it says what the `result` behind it says. */
  confirmed(commit: Commit): Effect[] {
    const effects = this.reached(commit.revision)
    if (commit.mutation === undefined || !this.queue.get(commit.mutation)) return effects
    return [...effects, ...this.shift(this.queue.answered(commit.mutation, receiptOf(commit), true))]
  }

  /** The cache got there: what was done already is shown by it now. */
  reached(revision: number): Effect[] {
    const drop = this.queue.reached(revision)
    return drop.length > 0 ? [{ do: 'store', put: [], drop }] : []
  }

  result(message: ServerMessage & { type: 'result' }): Effect[] {
    const { id } = message
    if (this.#asked.delete(id)) {
      const result = 'plan' in message ? message.plan : moved(message as Receipt & Moved)
      return [{ do: 'acted', id, result }]
    }
    const { revision, outcome, conflicts } = message as Receipt
    const receipt = { revision, outcome, ...(conflicts && { conflicts }) }
    return this.shift(this.queue.answered(id, receipt, this.replica.cache.revision >= revision))
  }

  problem(id: string, why: Problem): Effect[] {
    if (this.#asked.delete(id)) return [{ do: 'acted', id, result: why }]
    return this.shift(this.queue.refused(id, why))
  }

  /** The server said nothing to the oldest one for too long. */
  unanswered(): Effect[] {
    const oldest = this.queue.oldestUnderWay()
    return oldest === undefined ? [] : this.shift(this.queue.unanswered(oldest))
  }

  lost(): void {
    this.queue.lost()
  }
}

export const OFFLINE = problem('offline', 'there is no connection to the server')

function moved({ sequence, phase, revision }: Moved): Moved {
  return { sequence, phase, revision }
}

/** What the server answered when the commit was made (crates/core/src/command, `receipt`). */
function receiptOf({ revision, cause, changes }: Commit): Receipt {
  const own = changes.filter(({ collection, id, op }) => collection === '_conflicts' && op === 'put' && id.startsWith(`${revision}-`))
  const outcome = cause.kind === 'conflict.opened' ? 'conflict' : cause['outcome'] === 'merged' ? 'merged' : 'applied'
  return { revision, outcome, ...(own.length > 0 && { conflicts: own.map(({ id }) => id) }) }
}

// A server in a few lines, and the world around a session: a clock, links, a storage. Nothing here is asynchronous.
import { Cache } from '../src/cache.js'
import type { TransportName } from '../src/connection.js'
import { canonical } from '../src/json/value.js'
import { merge } from '../src/merge.js'
import { patched } from '../src/patch.js'
import type { Edit, Pending } from '../src/pending.js'
import { keyOf, lastOf } from '../src/pending.js'
import type { Settled } from '../src/queue.js'
import { Replica } from '../src/replica.js'
import type { Effect, Input, Report, Timer, Told } from '../src/session/effect.js'
import type { Options } from '../src/session/options.js'
import { Session } from '../src/session/session.js'
import type { MessageProblem } from '../src/types.generated.js'
import type { Cause, Change, ClientMessage, Code, Commit, Json, Mutation, Problem, Receipt, ServerMessage } from '../src/types.js'

export const AT = '2026-11-20T18:00:00.000Z'

/** What is true: a log, its state, the mutations it has seen. */
export class Server {
  epoch = 'e1'
  commits: Commit[] = []
  state = new Cache()
  #versions: Cache[] = []
  #known = new Map<string, { text: string; receipt: Receipt }>()
  /** The first revision that is kept. */
  oldest = 1

  constructor() {
    this.state.load(this.epoch, 0, {})
    this.#versions.push(this.#copy())
  }

  #copy(): Cache {
    const copy = new Cache()
    copy.load(this.epoch, this.state.revision, this.state.documents())
    return copy
  }

  mutate(id: string, mutations: readonly Mutation[]): Receipt | MessageProblem {
    const text = canonical(mutations as unknown as Json)
    const known = this.#known.get(id)
    if (known) return known.text === text ? known.receipt : refusal('mutation-id-reused', 422)
    const revision = this.state.revision + 1
    const work = this.#copy()
    const changes: Change[] = []
    let outcome: Receipt['outcome'] = 'applied'
    for (const mutation of mutations) {
      const { collection, document } = mutation
      const current = work.get(collection, document)
      const change = (op: 'put' | 'delete', value?: Json): Change =>
        ({ op, collection, id: document, revision, ...(op === 'put' && { value: value as Json }) }) as Change
      if (mutation.ifRevision !== undefined && mutation.ifRevision !== (current?.revision ?? 0)) return refusal('revision-mismatch', 412)
      if (mutation.op === 'restore') return refusal('not-allowed', 409)
      if (mutation.op !== 'put' && !current) return refusal('not-found', 404)
      const made = (before: Json | undefined): Json | undefined =>
        mutation.op === 'put' ? mutation.value : mutation.op === 'patch' ? patched(before, mutation.patch) : undefined
      let value = made(current?.value)
      if (mutation.base !== undefined && (current?.revision ?? 0) > mutation.base) {
        const base = this.#versions[mutation.base]?.get(collection, document)?.value
        const merged = merge(base, made(base), current?.value)
        value = merged.value
        outcome = merged.clashes.some(({ resolution }) => resolution === 'open') ? 'conflict' : outcome === 'conflict' ? outcome : 'merged'
      }
      const made1 = value === undefined ? change('delete') : change('put', value)
      changes.push(made1)
      work.apply({ revision: work.revision + 1, at: AT, actor: 'm', cause: { kind: 'batch' }, changes: [made1] })
    }
    const kind = outcome === 'conflict' ? 'conflict.opened' : 'batch'
    const cause: Cause = { kind, ...(outcome === 'merged' && { outcome }) }
    this.append({ revision, at: AT, actor: 'operator:m', mutation: id, cause, changes })
    const receipt = { revision, outcome }
    this.#known.set(id, { text, receipt })
    return receipt
  }

  append(commit: Commit): void {
    this.state.apply(commit)
    this.commits.push(commit)
    this.#versions.push(this.#copy())
  }

  /** Somebody else's edit. */
  edit(collection: string, id: string, value: Json | undefined): void {
    const revision = this.state.revision + 1
    const change = { collection, id, revision, ...(value === undefined ? { op: 'delete' } : { op: 'put', value }) } as Change
    this.append({ revision, at: AT, actor: 'operator:other', cause: { kind: 'document.put' }, changes: [change] })
  }
}

function refusal(code: Code, status: number): MessageProblem {
  return { see: `/docs/problems/${code}`, code, status, title: '', detail: code }
}

/** How a link lies: each message may come out as none, one or several. */
export type Mischief = (message: ServerMessage) => unknown[]

/** A session with its world. */
export class World {
  now = 1_000_000
  readonly replica = new Replica()
  readonly session: Session
  readonly timers = new Map<Timer, number>()
  readonly stored = new Map<string, Pending>()
  readonly settled = new Map<string, Settled>()
  readonly acted = new Map<string, unknown>()
  readonly told: Told[] = []
  readonly opens: TransportName[] = []
  readonly sent: ClientMessage[] = []
  link = 0
  reachable: (transport: TransportName) => boolean = () => true
  /** What the server says instead of `welcome`. */
  refuse: { code?: number; problem?: Problem } | undefined
  mischief: Mischief = (message) => [message]
  /** Whether edits name all before them, as those of older clients do, or only the last. */
  namesAll = false
  /** Mutations that were written to the storage, and taken out of it. */
  written = 0
  dropped = 0
  /** Whether what was said reaches the server, and whether its answers come back. */
  deaf = false
  mute = false
  /** Answers that are on their way and do not arrive yet. */
  held: ServerMessage[] | undefined
  #inputs: Input[] = []
  #busy = false
  #subscribed = false
  #revision = 0
  #order = 0

  constructor(readonly server: Server, options: Partial<Options> = {}) {
    const rest: Options = { production: 'main', transports: ['socket', 'events', 'poll'], random: () => 0.5, ...options }
    this.session = new Session(rest, this.replica)
  }

  reports(): Report['what'][] {
    return this.told.flatMap((told) => (told.kind === 'report' ? [told.report.what] : []))
  }

  start(): this {
    this.input({ type: 'start', queue: [...this.stored.values()] })
    return this
  }

  /** What an effect brings about comes behind the effects that are there already, as it does in the world. */
  input(input: Input): void {
    this.#inputs.push(input)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      for (const effect of this.session.handle(next, this.now)) this.#run(effect)
    }
    this.#busy = false
  }

  edit(id: string, ...edits: Edit[]): void {
    const { cache } = this.replica
    const full = edits.map((edit) => {
      const was = this.replica.get(edit.collection, edit.document)?.value
      return { ...edit, ...(edit.base === undefined && { base: cache.revision }), ...(was !== undefined && { was }) } as Edit
    })
    const before = edits.map((edit) => this.replica.behind(edit.collection, edit.document))
    const behind = before.flatMap((pending) => (this.namesAll ? pending.map((other) => other.id) : lastOf(pending)))
    this.#order += 1
    const pending = { id, order: this.#order, at: this.now, epoch: cache.epoch, edits: full, behind }
    this.stored.set(id, pending)
    this.input({ type: 'queued', pending })
  }

  /** Lets the next timer go off; answers whether there was one. */
  tick(): boolean {
    const next = [...this.timers].sort((a, b) => a[1] - b[1])[0]
    if (!next) return false
    this.now = Math.max(this.now, next[1])
    this.timers.delete(next[0])
    this.input({ type: 'timer', timer: next[0] })
    return true
  }

  /** Time goes by. */
  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = Math.min(...this.timers.values())
      if (next > end) break
      this.tick()
    }
    this.now = end
  }

  cut(code?: number): void {
    const { link } = this
    this.link = 0
    if (link > 0) this.input({ type: 'closed', link, ...(code !== undefined && { code }) })
  }

  /** The server sends what the client lacks. */
  flush(): void {
    if (!this.#subscribed || this.link === 0) return
    const { server } = this
    while (this.#revision < server.state.revision) {
      const commit = server.commits[this.#revision] as Commit
      this.#revision += 1
      this.#say({ type: 'commit', production: 'main', epoch: server.epoch, ...commit })
      if (this.link === 0 || !this.#subscribed) return
    }
  }

  digest(): void {
    this.flush()
    this.#say({ type: 'digest', production: 'main', revision: this.server.state.revision, digest: this.server.state.digest() })
  }

  say(message: ServerMessage): void {
    this.#say(message)
  }

  #say(message: ServerMessage): void {
    if (this.mute) return
    if (this.held) {
      this.held.push(message)
      return
    }
    for (const said of this.mischief(message)) {
      this.input({ type: 'message', link: this.link, message: said })
    }
  }

  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const message of held) this.#say(message)
  }

  #run(effect: Effect): void {
    switch (effect.do) {
      case 'timer':
        this.timers.set(effect.timer, this.now + effect.ms)
        return
      case 'cancel':
        this.timers.delete(effect.timer)
        return
      case 'open': {
        this.opens.push(effect.transport)
        const { link } = effect
        if (!this.reachable(effect.transport)) return this.input({ type: 'closed', link })
        if (this.refuse) return this.input({ type: 'closed', link, ...this.refuse })
        this.link = link
        this.#subscribed = false
        return this.input({ type: 'opened', link })
      }
      case 'close':
        if (effect.link === this.link) this.link = 0
        return
      case 'send':
        this.written += effect.put?.length ?? 0
        for (const pending of effect.put ?? []) this.stored.set(pending.id, pending)
        for (const message of effect.messages) if (effect.link === this.link) this.#hear(message)
        return
      case 'store':
        this.written += effect.put.length
        this.dropped += effect.drop.length
        for (const pending of effect.put) this.stored.set(pending.id, pending)
        for (const id of effect.drop) this.stored.delete(id)
        return
      case 'settled':
        if (this.settled.has(effect.id)) throw new Error(`${effect.id} was settled twice`)
        this.settled.set(effect.id, effect.result)
        return
      case 'acted':
        this.acted.set(effect.id, effect.result)
        return
      case 'told':
        this.told.push(effect.told)
        return
      case 'news':
      case 'connection':
        return
    }
  }

  #hear(message: ClientMessage): void {
    this.sent.push(message)
    if (this.deaf) return
    const { server } = this
    switch (message.type) {
      case 'hello': {
        const limits = { messageBytes: 65_536, subscriptions: 128, pendingMutations: 1_024, batch: 1_000 }
        return this.#say({ type: 'welcome', session: 's', heartbeat: 30_000, role: 'operator', server: '0.1.0', positions: {}, limits })
      }
      case 'subscribe': {
        const [epoch, at] = message.after?.split(':') ?? []
        this.#subscribed = true
        const { revision } = server.state
        const resumes = epoch === server.epoch && Number(at) <= revision && Number(at) + 1 >= server.oldest
        const astray = Number(at) === revision && message.digest !== undefined && message.digest !== server.state.digest()
        this.#revision = resumes && !astray ? Number(at) : revision
        this.#say({ type: 'subscribed', production: 'main', epoch: server.epoch, revision })
        if (!resumes || astray) {
          this.#say({ type: 'snapshot', production: 'main', epoch: server.epoch, revision, documents: server.state.documents() })
        }
        return this.flush()
      }
      case 'mutate': {
        const came = server.mutate(message.id, message.mutations)
        this.flush()
        if ('code' in came) return this.#say({ type: 'problem', id: message.id, ...came })
        return this.#say({ type: 'result', id: message.id, ...came })
      }
      case 'action':
        return this.#say({ type: 'result', id: message.id, revision: server.state.revision, outcome: 'applied', sequence: 'q', phase: 'ready' })
      case 'ping':
        return this.#say({ type: 'pong' })
      case 'unsubscribe':
      case 'signal':
        return
    }
  }
}

export const put = (document: string, value: Json, collection = 'c'): Edit => ({ op: 'put', collection, document, value })
export const patch = (document: string, value: Json, collection = 'c'): Edit => ({ op: 'patch', collection, document, patch: value })
export { keyOf }

// A client: one production, kept in step; the same from every tab, whichever of them leads.

import { UNCONNECTED, type Connection } from './connection.js'
import { Actions } from './actions.js'
import { errorOf, problem } from './errors.js'
import { Feed, Listeners, type Listener, type Of } from './helpers.js'
import { NotJson } from './json/value.js'
import { newId, pendingOf } from './edit.js'
import type { ClientOptions, EditOptions, Result } from './options.js'
import type { Pending } from './pending.js'
import { QUEUE_MAX, type Settled } from './queue.js'
import { Replica, type Changed, type Document, type News } from './replica.js'
import type { Report, Told } from './session/effect.js'
import { Shell, TRANSPORTS } from './shell.js'
import { openStorage, type Storage } from './storage/storage.js'
import { openChannel, type Channel } from './tabs/channel.js'
import { runForLead, type Leader } from './tabs/leader.js'
import type { Talk, Wish } from './tabs/talk.js'
import { Http } from './transport/http.js'
import type { ActionName, Json, JsonObject, Moved, Mutation, Plan, Problem, StreamFigures } from './types.js'

/** A leader that does not answer for so long is taken the lead from; milliseconds. */
const FROZEN_MS = 2_000
/** Outcomes that are remembered for tabs that missed them. */
const SETTLED_MAX = 256
/** Bytes of a batch of edits: what a request has room for. */
const EDIT_BYTES_MAX = 1_000_000

/** One production, kept in step: what is shown, what is changed, how the connection is. Made by `connect`. */
export class Client {
  /** Actions of the show, what is allowed, settings, conflicts, findings. */
  readonly actions: Actions
  /** Requests over HTTP to the same server, with the same token: `http.url`, `http.production`. */
  readonly http: Http
  readonly #options: ClientOptions
  readonly #replica = new Replica()
  readonly #feed: Feed
  readonly #connections = new Listeners<Connection>()
  readonly #tolds = new Listeners<Told>()
  /** What was made here and is not answered; behind `stored` it is what was stored. */
  readonly #waiting = new Map<string, { readonly resolve: (result: Settled) => void; stored?: Pending }>()
  readonly #acting = new Map<string, (result: Moved | Plan | Problem) => void>()
  readonly #settled = new Map<string, Settled>()
  readonly #storage: Promise<Storage>
  readonly #token: () => Promise<string | undefined>
  #said: string | undefined
  #connection = UNCONNECTED
  #shell: Shell | undefined
  #leader: Leader | undefined
  #channel: Channel | undefined
  readonly #me = newId()
  /** The leader that was last heard. */
  #led: string | undefined
  #answered = 0
  #watch: ReturnType<typeof setInterval> | undefined
  #closed = false
  /** Ids of the mutations that were in the queue when this tab began to lead. */
  #inherited: ReadonlySet<string> = new Set()

  constructor(options: ClientOptions = {}) {
    const url = (options.url ?? globalThis.location?.origin ?? '').replace(/\/$/, '')
    const production = options.production ?? 'main'
    this.#options = options
    this.#feed = new Feed(options.batch)
    this.#token = async () => this.#said ?? (typeof options.token === 'function' ? options.token() : options.token)
    this.http = new Http(url, production, this.#token, options.fetch ?? fetch.bind(globalThis))
    this.actions = new Actions(this.http, this.#replica, (action, params) => this.#act(action, params), newId)
    const scope = `${url} ${production}`
    this.#storage = options.storage ? Promise.resolve(options.storage) : openStorage(scope)
    if (options.tabs ?? typeof document === 'object') this.#join(`onair:${scope}`)
    else void this.#lead()
    globalThis.addEventListener?.('online', this.#network)
    globalThis.addEventListener?.('offline', this.#network)
  }

  // ---- what is shown

  /** The connection as one value; the same object until something about it changes. */
  get connection(): Connection {
    return this.#connection
  }

  /** A document's value as it is shown; `undefined` when there is none, or none yet. */
  get<T = Json>(collection: string, id: string): T | undefined {
    return this.#replica.get(collection, id)?.value as T | undefined
  }

  /** A document as it is shown, with its revision and whether an edit of it is pending. */
  document<T = Json>(collection: string, id: string): Document<T> | undefined {
    return this.#replica.get(collection, id) as Document<T> | undefined
  }

  /** The documents of a collection by id; the same array until one of them changes. */
  all<T = Json>(collection: string): readonly Document<T>[] {
    return this.#replica.all(collection) as readonly Document<T>[]
  }

  /** The collections that have a document. */
  collections(): readonly string[] {
    return [...this.#replica.cache.names()]
  }

  /** The position of what is confirmed, `epoch:revision`. */
  get position(): string {
    return `${this.#replica.cache.epoch}:${this.#replica.cache.revision}`
  }

  /** The digest of what is confirmed, sixteen hexadecimal digits: the same in everybody who has the same. */
  get digest(): string {
    return this.#replica.cache.digest()
  }

  /** Calls `listener` with what changes in documents, in batches; what is returned ends it. */
  subscribe(of: Of, listener: Listener): () => void {
    return this.#feed.listen(of, listener)
  }

  /** Calls `listener` with each document that comes to be; what is returned ends it. */
  onCreated = (of: Of, listener: (change: Changed) => void): (() => void) => this.#each({ ...of, kind: 'created' }, listener)
  /** Calls `listener` with each document that is changed. */
  onUpdated = (of: Of, listener: (change: Changed) => void): (() => void) => this.#each({ ...of, kind: 'updated' }, listener)
  /** Calls `listener` with each document that goes. */
  onDeleted = (of: Of, listener: (change: Changed) => void): (() => void) => this.#each({ ...of, kind: 'deleted' }, listener)
  /** Calls `listener` with each document that somebody brought back, or put back to an earlier version. */
  onRestored = (of: Of, listener: (change: Changed) => void): (() => void) => this.#each({ ...of, kind: 'restored' }, listener)
  /** Calls `listener` with each change, one by one. */
  onAny = (of: Of, listener: (change: Changed) => void): (() => void) => this.#each(of, listener)

  #each(of: Of, listener: (change: Changed) => void): () => void {
    return this.#feed.listen(of, (changes) => changes.forEach(listener))
  }

  /** Calls `listener` with each connection that is another than the one before. */
  onConnection(listener: (connection: Connection) => void): () => void {
    return this.#connections.listen(listener)
  }

  /** Divergence that was healed, another version, a queue that cannot be stored. */
  onReport(listener: (report: Report) => void): () => void {
    return this.#tolds.listen((told) => told.kind === 'report' && listener(told.report))
  }

  /** Calls `listener` with figures of the stream, as they come. */
  onSignal(listener: (stream: StreamFigures) => void): () => void {
    return this.#tolds.listen((told) => told.kind === 'signal' && listener(told.stream))
  }

  /** Calls `listener` with how many connections follow the production; not where it polls. */
  onPresence(listener: (clients: number) => void): () => void {
    return this.#tolds.listen((told) => told.kind === 'presence' && listener(told.clients))
  }

  // ---- what is changed

  /** That the document be this, whether it was there or not. */
  put(collection: string, document: string, value: unknown, options?: EditOptions): Promise<Result> {
    return this.mutate([{ op: 'put', collection, document, value: value as Json }], options)
  }

  /** A JSON Merge Patch (RFC 7396): members are set, null removes one. */
  patch(collection: string, document: string, patch: unknown, options?: EditOptions): Promise<Result> {
    return this.mutate([{ op: 'patch', collection, document, patch: patch as Json }], options)
  }

  /** That the document be gone; it can be restored. */
  delete(collection: string, document: string, options?: EditOptions): Promise<Result> {
    return this.mutate([{ op: 'delete', collection, document }], options)
  }

  /** Brings a deleted document back, or the version of a revision. */
  restore(collection: string, document: string, revision?: number): Promise<Result> {
    return this.mutate([{ op: 'restore', collection, document, ...(revision !== undefined && { revision }) }], { merge: false })
  }

  /** All or nothing, shown at once, and kept until the server has answered. */
  async mutate(mutations: readonly Mutation[], options: EditOptions = {}): Promise<Result> {
    let pending: Pending
    try {
      pending = pendingOf(this.#replica, mutations, options, Date.now())
    } catch (error) {
      const at = error instanceof NotJson ? { errors: [{ pointer: error.pointer, detail: error.message }] } : {}
      return refused(problem('invalid', error instanceof Error ? error.message : String(error), at))
    }
    const bytes = JSON.stringify(pending.edits).length
    if (bytes > EDIT_BYTES_MAX) return refused(problem('too-large', `${bytes} bytes, the limit is ${EDIT_BYTES_MAX}`))
    const limit = this.#options.queue ?? QUEUE_MAX
    if (this.#replica.pending >= limit) return refused(problem('queue-full', `${limit} mutations wait already`, { limit }))
    const result = new Promise<Settled>((resolve) => this.#waiting.set(pending.id, { resolve }))
    this.#queue([pending], [])
    try {
      const storage = await this.#storage
      const stored = await storage.add(pending)
      const waiting = this.#waiting.get(pending.id)
      if (waiting) waiting.stored = stored
      this.#wish({ type: 'queued', pending: stored })
    } catch (error) {
      this.#queue([], [pending.id])
      this.#done(pending.id, { outcome: 'refused', problem: problem('storage', String(error)) })
    }
    const settled = await result
    return settled.outcome === 'refused' ? refused(settled.problem) : { ...settled.receipt, outcome: settled.outcome }
  }

  /** The mutations that wait, with those that no longer go by themselves. */
  queue(): readonly Pending[] {
    return this.#replica.queue()
  }

  /** Sends those again that had stopped, and tries to connect at once. */
  retry(id?: string): void {
    this.#wish({ type: 'retry', ...(id !== undefined && { id }) })
    if (this.#connection.state !== 'connected') this.#wish({ type: 'reconnect' })
  }

  /** Gives up what waits; what is shown of it is taken back. */
  clear(id?: string): void {
    this.#wish({ type: 'clear', ...(id !== undefined && { id }) })
  }

  /** Figures that change fast (row T1); without a connection they are dropped. */
  signal(stream: StreamFigures): void {
    this.#wish({ type: 'signal', stream })
  }

  /** Goes on with another token, behind `needs-auth` say. */
  authenticate(token: string): void {
    this.#said = token
    this.#tell({ say: 'token', token })
    this.#wish({ type: 'reconnect' })
  }

  /** Ends it. What waits stays in the storage, for whoever connects next; nobody is told how it comes out. */
  close(): void {
    this.#closed = true
    globalThis.removeEventListener?.('online', this.#network)
    globalThis.removeEventListener?.('offline', this.#network)
    clearInterval(this.#watch)
    this.#shell?.stop()
    this.#shell = undefined
    this.#leader?.release()
    this.#channel?.close()
    this.#is({ ...this.#connection, state: 'offline', reason: 'closed', retryInMs: null })
    this.#feed.close()
    void this.#storage.then((storage) => storage.close())
  }

  async #act(action: ActionName, params: JsonObject): Promise<Moved | Plan> {
    const id = newId()
    const result = await new Promise<Moved | Plan | Problem>((resolve) => {
      this.#acting.set(id, resolve)
      this.#wish({ type: 'act', id, action, params })
    })
    if ('code' in result) throw errorOf(result)
    return result
  }

  // ---- tabs

  #join(name: string): void {
    this.#channel = openChannel(name, (message) => this.#hear(message as Talk))
    this.#leader = runForLead(name, () => void this.#lead(), () => this.#follow())
    this.#follow()
  }

  async #lead(): Promise<void> {
    const options = this.#options
    const storage = await this.#storage
    const queue = await storage.all().catch(() => [])
    if (this.#closed || this.#shell) return
    clearInterval(this.#watch)
    const site = {
      http: this.http,
      production: this.http.production,
      token: this.#token,
      WebSocket: options.WebSocket ?? globalThis.WebSocket,
      pollInterval: options.pollInterval ?? 5_000,
      maxRetries: options.maxRetries ?? 3,
    }
    const session = {
      production: this.http.production,
      // Outcomes and strategies are in collections of the server, whatever the application looks at.
      collections: options.collections && [...new Set([...options.collections, '_system', '_conflicts'])],
      transports: options.transports ?? (['socket', 'events', 'poll'] as const),
      renewable: typeof options.token === 'function',
      random: Math.random,
    }
    this.#shell = new Shell(session, this.#replica, site, storage, options.links ?? TRANSPORTS, {
      news: (news, changed) => {
        this.#feed.add(changed)
        this.#tell({ say: 'news', news })
      },
      connection: (connection) => {
        this.#is(connection)
        this.#tell({ say: 'connection', connection })
      },
      settled: (id, result) => {
        this.#tell({ say: 'settled', id, result })
        this.#remember(id, result)
        // Who made it before a reload or a crash waits no more, and is to hear of it all the same.
        if (result.outcome === 'refused' && this.#inherited.has(id) && !this.#waiting.has(id)) {
          const told: Told = { kind: 'report', report: { what: 'problem', problem: result.problem } }
          this.#tolds.tell(told)
          this.#tell({ say: 'told', told })
        }
        this.#done(id, result)
      },
      acted: (id, result) => {
        this.#tell({ say: 'acted', id, result })
        this.#acted(id, result)
      },
      told: (told) => {
        this.#tolds.tell(told)
        this.#tell({ say: 'told', told })
      },
    })
    // What the last leader had done and dropped is not shown any more; what is not stored yet comes by itself.
    const gone = this.#replica.queue().filter(({ id, order }) => order < Number.MAX_SAFE_INTEGER && !queue.some((kept) => kept.id === id))
    this.#queue([], gone.map(({ id }) => id))
    this.#unanswered()
    this.#inherited = new Set(queue.map(({ id }) => id))
    this.#shell.input({ type: 'start', queue })
    this.#tellAll()
    // What was stored while the queue was read is taken in as well; what is known is not taken twice.
    for (const { stored } of [...this.#waiting.values()]) if (stored) this.#shell.input({ type: 'queued', pending: stored })
  }

  #follow(): void {
    this.#shell?.stop()
    this.#shell = undefined
    this.#tell({ say: 'hi' })
    this.#answered = Date.now()
    clearInterval(this.#watch)
    // Messages arrive also where timers are slowed down; only who is seen asks, so that hidden tabs do not fight.
    this.#watch = setInterval(() => {
      if (this.#shell || globalThis.document?.visibilityState === 'hidden') return
      if (Date.now() - this.#answered > 2 * FROZEN_MS) {
        this.#answered = Date.now()
        this.#leader?.steal()
      }
      this.#tell({ say: 'ping' })
    }, FROZEN_MS)
  }

  #hear(talk: Talk): void {
    if (this.#closed) return
    if (talk.say === 'token') {
      this.#said = talk.token
      return
    }
    if (this.#shell) {
      if (talk.say === 'hi') this.#tellAll()
      else if (talk.say === 'wish') this.#shell.input(talk.wish)
      else if (talk.say === 'ping') this.#tell({ say: 'pong', position: this.position, pending: this.#replica.pending })
      return
    }
    if (talk.say !== 'hi' && talk.say !== 'wish' && talk.say !== 'ping') this.#answered = Date.now()
    switch (talk.say) {
      case 'all':
        for (const [id, result] of talk.settled) this.#done(id, result)
        return this.#all(talk)
      case 'news': {
        const changed = this.#replica.apply(talk.news)
        if (!changed) return this.#tell({ say: 'hi' })
        this.#is({ ...this.#connection, pending: this.#replica.pending })
        return this.#feed.add(changed)
      }
      case 'connection':
        return this.#is(talk.connection)
      case 'settled':
        return this.#done(talk.id, talk.result)
      case 'acted':
        return this.#acted(talk.id, talk.result)
      case 'told':
        return this.#tolds.tell(talk.told)
      case 'pong':
        if (talk.position !== this.position || (this.#waiting.size === 0 && talk.pending !== this.#replica.pending)) this.#tell({ say: 'hi' })
        return
      case 'hi':
      case 'wish':
      case 'ping':
        return
    }
  }

  /** Takes over what the leader has; what was made here and did not reach it stays. */
  #all({ leader, snapshot, queue, connection }: Talk & { say: 'all' }): void {
    if (this.#led !== undefined && this.#led !== leader) this.#unanswered()
    this.#led = leader
    const { epoch, revision } = this.#replica.cache
    if (snapshot?.kind === 'snapshot' && (snapshot.epoch !== epoch || snapshot.revision !== revision)) {
      this.#feed.add(this.#replica.apply(snapshot) ?? [])
    }
    const known = new Set(queue.map(({ id }) => id))
    const gone = this.#replica.queue().filter(({ id }) => !known.has(id) && !this.#waiting.has(id))
    this.#queue(queue, gone.map(({ id }) => id))
    this.#is({ ...connection, pending: this.#replica.pending })
    const joined = new Set(queue.flatMap((pending) => pending.joined ?? []))
    for (const [id, { stored }] of this.#waiting) {
      if (stored && !known.has(id) && !joined.has(id)) this.#wish({ type: 'queued', pending: stored })
    }
  }

  /** The tab that was asked is gone: whether an action was carried out shows in the lifecycle. */
  #unanswered(): void {
    const why = problem('unanswered', 'the leading tab ended before the answer came')
    for (const id of [...this.#acting.keys()]) this.#acted(id, why)
  }

  #tellAll(): void {
    const { cache } = this.#replica
    const { epoch, revision } = cache
    const snapshot = epoch === '' ? undefined : ({ kind: 'snapshot', epoch, revision, documents: cache.documents() } as const)
    if (!this.#channel) return
    this.#tell({ say: 'all', leader: this.#me, snapshot, queue: this.#replica.queue(), settled: [...this.#settled], connection: this.#connection })
  }

  #tell(talk: Talk): void {
    if (!this.#closed) this.#channel?.post(talk)
  }

  #wish(wish: Wish): void {
    if (this.#shell) this.#shell.input(wish)
    else if (this.#channel) this.#tell({ say: 'wish', wish })
    // Nobody leads yet: the queue is read when somebody does, and an action is for now.
    else if (wish.type === 'act') this.#acted(wish.id, problem('offline', 'there is no connection yet'))
  }

  // ---- what comes of it

  #queue(put: readonly Pending[], drop: readonly string[]): void {
    const news: News = { kind: 'queue', put, drop }
    this.#feed.add(this.#replica.apply(news) ?? [])
    this.#is({ ...this.#connection, pending: this.#replica.pending })
  }

  #is(connection: Connection): void {
    this.#connection = connection
    this.#connections.tell(connection)
  }

  #remember(id: string, result: Settled): void {
    this.#settled.set(id, result)
    if (this.#settled.size > SETTLED_MAX) this.#settled.delete(this.#settled.keys().next().value as string)
  }

  #done(id: string, result: Settled): void {
    this.#waiting.get(id)?.resolve(result)
    this.#waiting.delete(id)
  }

  #acted(id: string, result: Moved | Plan | Problem): void {
    this.#acting.get(id)?.(result)
    this.#acting.delete(id)
  }

  #network = (): void => {
    this.#shell?.input({ type: 'network', online: globalThis.navigator?.onLine !== false })
  }
}

/** Keeps this program in step with a production. */
export function connect(options?: ClientOptions): Client {
  return new Client(options)
}

function refused(why: Problem): Result {
  return { outcome: 'refused', error: errorOf(why) }
}

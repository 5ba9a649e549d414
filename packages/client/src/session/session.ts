// A session: from inputs to effects, without a clock, a socket or chance of its own (rows Y2 to Y6, E1, E3).
//
// It tries the socket first, then events, then polling, within one try; a server that is back is found over the best
// of them. A lesser one that works is used, and the better one is tried beside it until it works too.

import { BACKOFF, delay } from '../backoff.js'
import { speaksAlike, UNCONNECTED, VERSION, type Connection, type TransportName } from '../connection.js'
import { errorOf, problem } from '../errors.js'
import type { Replica } from '../replica.js'
import type { ClientMessage, Limits, Problem, ServerMessage } from '../types.js'
import { Desk, OFFLINE } from './desk.js'
import type { Effect, Input, Report, Timer } from './effect.js'
import { read } from './message.js'
import { ANSWER_MS, HEALS_MAX, OPEN_MS, PONG_MS, SILENCE_MS_MAX, TIMERS, UPGRADE, type Options } from './options.js'
import { Stream } from './stream.js'

/** What a client does with what it hears: inputs to effects, without clock, chance or connection of its own. */
export class Session {
  connection: Connection = UNCONNECTED
  limits: Limits | undefined
  readonly #stream: Stream
  readonly #desk: Desk
  #effects: Effect[] = []
  #now = 0
  #links = 0
  /** The link in use, and whether it brought what only the other side can have said. */
  #link: { id: number; rung: number; welcomed: boolean; proved: boolean; heartbeat: number } | undefined
  /** A better link that is tried beside it. */
  #probe: { id: number; rung: number } | undefined
  #failures = 0
  #heals = 0
  #upgrades = 0
  #renewed = false
  /** The server cannot take mutations now. */
  #held = false
  #refusals = 0
  #running = false

  constructor(
    private readonly options: Options,
    readonly replica: Replica,
  ) {
    this.#stream = new Stream(options.production, options.collections, replica)
    this.#desk = new Desk(options.production, replica)
  }

  /** Takes one input in, `now` in milliseconds since 1970, and says what is to be done. */
  handle(input: Input, now: number): readonly Effect[] {
    this.#now = now
    this.#take(input)
    const pending = this.replica.pending
    const lag = this.#stream.lag()
    if (pending !== this.connection.pending || lag !== this.connection.lag) this.#is({ pending, lag })
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'start':
        this.#running = true
        this.#do(...this.#desk.load(input.queue))
        return this.#connect(0)
      case 'stop':
        this.#running = false
        this.#drop()
        return this.#do(...this.#desk.giveUp(problem('closed', 'this client was closed')))
      case 'opened':
        return this.#opened(input.link)
      case 'message':
        if (input.link === this.#link?.id) this.#hear(input.message)
        return
      case 'alive':
        return this.#alive(input.link)
      case 'closed':
        return this.#closed(input.link, input.code, input.problem)
      case 'timer':
        return this.#timer(input.timer)
      case 'network':
        return this.#network(input.online)
      case 'reconnect':
        this.#failures = 0
        this.#renewed = false
        this.#drop()
        return this.#connect(0)
      case 'queued':
        this.#do(...this.#desk.queued(input.pending))
        return this.#say()
      case 'retry':
        this.#do(...this.#desk.shift(this.#desk.queue.retry(input.id)))
        return this.#say()
      case 'clear':
        this.#do(...this.#desk.clear(input.id))
        return this.#say()
      case 'act':
        this.#desk.act(input.id, input.action, input.params)
        if (this.connection.state !== 'connected') return this.#do(...this.#desk.giveUp(OFFLINE))
        return this.#say()
      case 'signal':
        // Figures of the past are of no use later.
        if (this.connection.state === 'connected') {
          this.#send({ type: 'signal', production: this.options.production, stream: input.stream })
        }
    }
  }

  // ---- links

  #connect(rung: number): void {
    if (!this.#running) return
    const transport = this.options.transports[rung] as TransportName
    this.#links += 1
    this.#link = { id: this.#links, rung, welcomed: false, proved: false, heartbeat: SILENCE_MS_MAX }
    this.#stream.reset()
    this.#is({ state: this.connection.lastUpdate === null ? 'connecting' : 'reconnecting', transport, retryInMs: null })
    this.#do({ do: 'cancel', timer: 'retry' }, { do: 'open', link: this.#links, transport }, { do: 'timer', timer: 'open', ms: OPEN_MS })
  }

  #opened(link: number): void {
    if (link === this.#probe?.id) {
      const { id, rung } = this.#probe
      this.#probe = undefined
      this.#drop()
      this.#link = { id, rung, welcomed: false, proved: false, heartbeat: SILENCE_MS_MAX }
      this.#stream.reset()
      this.#is({ transport: this.options.transports[rung] ?? null })
      this.#do({ do: 'timer', timer: 'open', ms: OPEN_MS })
    }
    if (this.#link?.id === link) this.#send({ type: 'hello', client: { name: '@onair/client', version: VERSION } })
  }

  #closed(link: number, code: number | undefined, why: Problem | undefined): void {
    if (link === this.#probe?.id) {
      this.#probe = undefined
      return this.#later()
    }
    if (link !== this.#link?.id) return
    const { rung, proved } = this.#link
    this.#drop()
    if (code === 4403 || why?.status === 403) return this.#hopeless('failed', why?.code ?? 'forbidden')
    if (code === 4401 || why?.status === 401) {
      if (!this.options.renewable || this.#renewed) return this.#hopeless('needs-auth', why?.code ?? 'unauthenticated')
      this.#renewed = true
      return this.#connect(rung)
    }
    if (why?.code === 'not-found' || why?.code === 'gone') return this.#hopeless('failed', why.code)
    const tooMany = code === 4429 || why?.code === 'too-many-requests'
    if (proved && this.#heals <= HEALS_MAX) this.#failures = 0
    else if (proved) this.#heals = 0
    else if (!tooMany && rung + 1 < this.options.transports.length) return this.#connect(rung + 1)
    const reason = why?.code ?? (code === undefined ? 'no connection' : `closed ${code}`)
    this.#wait(reason, proved, tooMany ? (seconds(why) ?? 5) * 1_000 : 0)
  }

  /** Waits for the next try. */
  #wait(reason: string, proved: boolean, least = 0): void {
    const ms = Math.max(least, delay(this.options.backoff ?? BACKOFF, this.#failures, this.options.random()))
    this.#failures += 1
    const state = proved ? 'reconnecting' : 'offline'
    if (state === 'offline') this.#do(...this.#desk.giveUp(OFFLINE))
    this.#is({ state, reason, retryInMs: ms, transport: null })
    this.#do({ do: 'timer', timer: 'retry', ms })
  }

  #hopeless(state: 'failed' | 'needs-auth', reason: string): void {
    this.#is({ state, reason, retryInMs: null, transport: null })
    this.#do(...this.#desk.giveUp(state === 'failed' ? problem('forbidden', reason) : problem('unauthenticated', reason)))
  }

  #drop(): void {
    for (const timer of TIMERS) this.#do({ do: 'cancel', timer })
    if (this.#link) this.#do({ do: 'close', link: this.#link.id })
    if (this.#probe && this.#link) this.#do({ do: 'close', link: this.#probe.id })
    this.#link = undefined
    this.#probe = undefined
    this.#held = false
    this.#desk.lost()
  }

  /** Ends the link from this side. */
  #fail(reason: string): void {
    if (this.#link) this.#closed(this.#link.id, undefined, { ...OFFLINE, code: reason })
  }

  #network(online: boolean): void {
    if (online) {
      if (!this.#link && this.connection.retryInMs !== null) this.#connect(0)
      else if (this.#link?.proved) this.#ask()
      return
    }
    // What the browser says is often wrong: a link that lives proves the contrary.
    if (this.#link?.proved) this.#ask()
    else if (!this.#link && this.connection.retryInMs !== null) this.#is({ state: 'offline', reason: 'no network' })
  }

  #timer(timer: Timer): void {
    switch (timer) {
      case 'retry':
        return this.#connect(0)
      case 'open':
        return this.#fail('timeout')
      case 'silence':
        return this.#ask()
      case 'pong':
        return this.#fail('silent')
      case 'answer':
        this.#do(...this.#desk.unanswered())
        return this.#fail('unanswered')
      case 'again':
        this.#held = false
        return this.#say(true)
      case 'upgrade':
        if (!this.#link || this.#link.rung === 0) return
        this.#links += 1
        this.#probe = { id: this.#links, rung: 0 }
        this.#do({ do: 'open', link: this.#links, transport: this.options.transports[0] as TransportName })
    }
  }

  #ask(): void {
    this.#send({ type: 'ping' })
    this.#do({ do: 'timer', timer: 'pong', ms: PONG_MS })
  }

  #later(): void {
    if (!this.#link || this.#link.rung === 0) return
    this.#do({ do: 'timer', timer: 'upgrade', ms: delay(UPGRADE, this.#upgrades, this.options.random()) })
    this.#upgrades += 1
  }

  #alive(link: number): void {
    if (link !== this.#link?.id) return
    this.#link.proved ||= this.#link.welcomed
    this.#is({ lastUpdate: this.#now })
    this.#do({ do: 'cancel', timer: 'pong' }, { do: 'timer', timer: 'silence', ms: Math.min(this.#link.heartbeat, SILENCE_MS_MAX) })
    if (this.connection.state !== 'connected') this.#do({ do: 'timer', timer: 'open', ms: OPEN_MS })
  }

  // ---- messages

  #hear(raw: unknown): void {
    const link = this.#link
    const message = read(raw)
    if (!link) return
    if (!message) return this.#distrust({ what: 'garbled', detail: JSON.stringify(raw)?.slice(0, 200) ?? 'no JSON' })
    // What a transport says in the server's place proves nothing yet.
    if (message.type !== 'welcome' && message.type !== 'subscribed') link.proved ||= link.welcomed
    this.#alive(link.id)
    switch (message.type) {
      case 'unknown':
      case 'pong':
        return
      case 'welcome':
        return this.#welcomed(message, link)
      case 'result':
        this.#do(...this.#desk.result(message))
        return this.#say(true)
      case 'problem':
        return this.#refused(message)
      case 'signal':
        return this.#do({ do: 'told', told: { kind: 'signal', stream: message.stream } })
      case 'presence':
        return this.#do({ do: 'told', told: { kind: 'presence', clients: message.clients } })
      default:
        return this.#streamed(message)
    }
  }

  #welcomed({ server, role, heartbeat, limits }: ServerMessage & { type: 'welcome' }, link: { rung: number; welcomed: boolean; heartbeat: number; proved: boolean }): void {
    link.welcomed = true
    link.proved ||= this.options.transports[link.rung] === 'socket'
    link.heartbeat = heartbeat
    this.limits = limits
    if (server !== this.connection.server && !speaksAlike(server)) this.#report({ what: 'version', server, client: VERSION })
    this.#is({ server, role })
    this.#send(this.#stream.subscribe())
  }

  #refused({ type: _, id, ...why }: ServerMessage & { type: 'problem' }): void {
    if (id !== undefined) {
      this.#do(...this.#desk.problem(id, why))
      if (!this.#desk.queue.get(id)) return this.#say(true)
      if (why.code === 'unauthenticated') return this.#closed(this.#link?.id ?? 0, 4401, why)
      // It may go well later: not at once, and not for ever without a pause.
      this.#held = true
      const ms = Math.max((seconds(why) ?? 0) * 1_000, delay(this.options.backoff ?? BACKOFF, this.#refusals, this.options.random()))
      this.#refusals += 1
      return this.#do({ do: 'timer', timer: 'again', ms }, { do: 'cancel', timer: 'answer' })
    }
    if (why['production'] === undefined) {
      // Before `welcome` the close code says what it means.
      return this.#link?.welcomed ? this.#report({ what: 'problem', problem: why }) : undefined
    }
    // The subscription was refused.
    if (this.#link) this.#closed(this.#link.id, undefined, why)
  }

  #streamed(message: ServerMessage): void {
    const verdict = this.#stream.hear(message)
    let progress = false
    switch (verdict.is) {
      case 'quiet':
        break
      case 'proved':
        this.#heals = 0
        break
      case 'news':
        this.#do({ do: 'news', news: verdict.news, changed: verdict.changed })
        if (verdict.report) this.#report(verdict.report)
        if (verdict.news.kind === 'commit') {
          this.#heals = 0
          const confirmed = this.#desk.confirmed(verdict.news.commit)
          progress = confirmed.length > 0
          this.#do(...confirmed)
        } else this.#do(...this.#desk.reached(this.replica.cache.revision))
        if (this.connection.state !== 'connected') this.#do({ do: 'timer', timer: 'open', ms: OPEN_MS })
        break
      case 'astray':
        return this.#heal(verdict.report, verdict.anew)
      case 'distrusted':
        return this.#distrust(verdict.report)
    }
    if (this.#stream.caughtUp() && this.connection.state !== 'connected') this.#caughtUp()
    this.#say(progress)
  }

  #caughtUp(): void {
    this.#renewed = false
    this.#do({ do: 'cancel', timer: 'open' })
    this.#is({ state: 'connected', reason: null, retryInMs: null })
    if (this.#link && this.#link.rung > 0) this.#later()
    else this.#upgrades = 0
  }

  /** Asks for what is missing, or for everything; until that is here, nobody is told that this is the truth. */
  #heal(report: Report, anew: boolean): void {
    this.#report(report)
    this.#heals += 1
    if (this.#heals > HEALS_MAX) return this.#fail(report.what)
    this.#is({ state: 'reconnecting', reason: report.what })
    const socket = this.connection.transport === 'socket'
    // With its digest the server counts the divergence, which only it can tell (row Y6).
    const first = anew && socket && report.what === 'diverged' ? [this.#stream.subscribe(false)] : []
    this.#send(...first, this.#stream.subscribe(anew))
    this.#do({ do: 'timer', timer: 'open', ms: OPEN_MS })
  }

  #distrust(report: Report): void {
    this.#report(report)
    this.#heals += 1
    this.#fail(report.what)
  }

  // ---- what goes out

  /** `progress`: something was answered, and the clock of what is under way begins anew. */
  #say(progress = false): void {
    if (this.connection.state !== 'connected' || !this.#link || this.#held) return
    const effects = this.#desk.say(this.#link.id)
    this.#do(...effects)
    if (!this.#desk.waits()) this.#do({ do: 'cancel', timer: 'answer' })
    else if (effects.length > 0 || progress) this.#do({ do: 'timer', timer: 'answer', ms: ANSWER_MS })
    if (progress && !this.#desk.waits()) this.#refusals = 0
  }

  #send(...messages: ClientMessage[]): void {
    if (this.#link) this.#do({ do: 'send', link: this.#link.id, messages })
  }

  #report(report: Report): void {
    this.#do({ do: 'told', told: { kind: 'report', report } })
  }

  #is(what: Partial<Connection>): void {
    this.connection = { ...this.connection, ...what }
    // A row of changes within one input is one value for whoever looks.
    this.#effects = this.#effects.filter((effect) => effect.do !== 'connection')
    this.#do({ do: 'connection', connection: this.connection })
  }

  #do(...effects: Effect[]): void {
    this.#effects.push(...effects)
  }
}

/** What `Retry-After` said. */
function seconds(why: Problem | undefined): number | undefined {
  const said = why && errorOf(why).problem['retryAfter']
  return typeof said === 'number' ? said : undefined
}

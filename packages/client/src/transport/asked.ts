// What a client asks, over HTTP, for links that can only hear: mutations one by one in order, actions beside them.

import { OnairError } from '../errors.js'
import type { ClientMessage, JsonObject, Problem } from '../types.js'
import type { Http } from './http.js'
import type { Hears } from './link.js'

type Asked = Extract<ClientMessage, { id: string }>

export class Asker {
  #last: Promise<void> = Promise.resolve()

  constructor(
    private readonly http: Http,
    private readonly hears: Hears,
  ) {}

  say(message: ClientMessage): void {
    switch (message.type) {
      case 'hello':
        void this.#welcome()
        return
      case 'mutate':
        this.#last = this.#last.then(() => this.#answered(message, this.#mutate(message)))
        return
      case 'action':
        void this.#answered(message, this.#act(message))
        return
      case 'signal':
        void this.http.ask('signals', { method: 'POST', body: { stream: message.stream } }).catch(() => undefined)
        return
      default:
        return
    }
  }

  /** Nobody says `welcome` over HTTP; what it would say is asked for. */
  async #welcome(): Promise<void> {
    try {
      const { version } = await this.http.json<{ version: string }>('/version')
      const limits = { messageBytes: 1_048_576, subscriptions: 1, pendingMutations: 1_024, batch: 1_000 }
      this.hears.message({ type: 'welcome', session: '', heartbeat: 20_000, role: null, server: version, limits })
    } catch (error) {
      this.hears.closed(undefined, said(error))
    }
  }

  async #answered({ id }: Asked, answer: Promise<object>): Promise<void> {
    try {
      this.hears.message({ ...(await answer), type: 'result', id })
    } catch (error) {
      const problem = said(error)
      // Without a status nobody answered: what became of it is found out over the next link.
      if (problem.status === 0) this.hears.closed(undefined, problem)
      else this.hears.message({ ...problem, type: 'problem', id })
    }
  }

  #mutate({ id, mutations }: Asked & { type: 'mutate' }): Promise<object> {
    return this.http.json('mutations', { method: 'POST', body: { id, mutations } })
  }

  async #act({ id, action, params = {} }: Asked & { type: 'action' }): Promise<object> {
    const { wait, dryRun, ...body } = params as JsonObject
    const headers = { 'idempotency-key': id, ...(wait === false && { prefer: 'respond-async' }) }
    const ask = { method: 'POST', headers, timeout: 0, ...(Object.keys(body).length > 0 && { body }) }
    const answer = await this.http.json<object>(dryRun === true ? `${action}?dryRun=true` : action, ask)
    return dryRun === true ? { revision: 0, plan: answer } : { outcome: 'applied', ...answer }
  }
}

export function said(error: unknown): Problem {
  if (error instanceof OnairError) return error.problem
  return { code: 'offline', status: 0, title: 'offline', detail: String(error) }
}

// Requests over HTTP: with a deadline, errors as classes, reads once for all who ask for the same (rows E1, Y2).

import { BACKOFF, delay } from '../backoff.js'
import { errorOf, OnairError, problem, problemOf } from '../errors.js'

/** Until a request is answered, in milliseconds, and how often a read is tried again (row E1). */
const TIMEOUT_MS = 10_000
const RETRIES = 3

export interface Ask {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Milliseconds; 0 waits for as long as it takes. */
  readonly timeout?: number
}

export class Http {
  #reads = new Map<string, Promise<unknown>>()

  constructor(
    readonly url: string,
    readonly production: string,
    private readonly token: () => Promise<string | undefined>,
    private readonly fetched: typeof fetch,
  ) {}

  /** The answer, if it is a good one. A path without a slash in front is the production's. */
  async ask(path: string, { method = 'GET', body, headers, signal, timeout = TIMEOUT_MS }: Ask = {}): Promise<Response> {
    const token = await this.token()
    const signals = [...(signal ? [signal] : []), ...(timeout > 0 ? [AbortSignal.timeout(timeout)] : [])]
    const base = `${this.url}/v1/productions/${this.production}`
    const address = path.startsWith('/') ? this.url + path : path === '' ? base : `${base}/${path}`
    const init: RequestInit = {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
      cache: 'no-store',
    }
    const answer = await this.fetched(address, init).catch((error: unknown) => {
      const late = error instanceof Error && error.name === 'TimeoutError'
      throw errorOf(problem(late ? 'unanswered' : 'offline', late ? `no answer within ${timeout} ms` : String(error)))
    })
    if (answer.ok) return answer
    const said = problemOf(await answer.json().catch(() => undefined), answer.status)
    const retryAfter = Number(answer.headers.get('retry-after'))
    throw errorOf(retryAfter > 0 ? { retryAfter, ...said } : said)
  }

  async json<T>(path: string, ask?: Ask): Promise<T> {
    const answer = await this.ask(path, ask)
    return answer.json() as Promise<T>
  }

  /** A read: one request for all who ask at the same time, tried again when that may help. */
  read<T>(path: string): Promise<T> {
    const known = this.#reads.get(path)
    if (known) return known as Promise<T>
    const read = this.#tried<T>(path, 0).finally(() => this.#reads.delete(path))
    this.#reads.set(path, read)
    return read
  }

  async #tried<T>(path: string, attempt: number): Promise<T> {
    try {
      return await this.json<T>(path)
    } catch (error) {
      if (!(error instanceof OnairError) || !error.retryable || attempt >= RETRIES) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, delay({ ...BACKOFF, first: 1_000 }, attempt, Math.random())))
    return this.#tried(path, attempt + 1)
  }
}

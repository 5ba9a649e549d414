// What is asked of the server and not in the documents: asked once for all who look at it, while somebody does, and
// again when the documents change that it is made of.

import { useMemo } from 'react'

import { useOnair } from './provider.js'
import { identity, useSelected, type Equality, type Store } from './select.js'
import type { Listen, Source } from './source.js'

export interface Asked<T> {
  readonly data: T | undefined
  readonly loading: boolean
  readonly error: Error | undefined
}

/** What to ask, and what it is made of. */
export interface Question<T> {
  readonly ask: (source: Source) => Promise<T>
  /** Collections whose changes make it another; asked for anew with each answer. */
  readonly of?: (source: Source) => readonly string[]
  /** Milliseconds between two questions at least. */
  readonly pause?: number
  /** Milliseconds after which it is asked again by itself, and how many may fail in a row; 0: never. */
  readonly every?: (source: Source) => number
  readonly retries?: number
}

const PAUSE_MS = 200
const NOTHING: Asked<never> = { data: undefined, loading: true, error: undefined }

export class Remote<T> {
  #state: Asked<T> = NOTHING
  #listeners = new Set<Listen>()
  #ends: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking = false
  /** Something changed since it was asked. */
  #stale = false
  #failures = 0
  #connected = false

  constructor(
    private readonly source: Source,
    private readonly question: Question<T>,
  ) {}

  get state(): Asked<T> {
    return this.#state
  }

  subscribe(listener: Listen): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#begin()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop()
    }
  }

  /** Asks again; while it is being asked, behind that. */
  refresh = (): void => {
    this.#failures = 0
    this.#soon(0)
  }

  #begin(): void {
    const { state } = this.source.connection
    this.#connected = state === 'connected'
    this.#watch()
    if (this.#connected) this.refresh()
  }

  /** Listens to what it is made of now. */
  #watch(): void {
    for (const end of this.#ends) end()
    const changed = (): void => this.#soon(this.question.pause ?? PAUSE_MS)
    const connection = (): void => {
      const connected = this.source.connection.state === 'connected'
      if (connected === this.#connected) return
      this.#connected = connected
      if (connected) this.refresh()
    }
    const of = this.question.of?.(this.source) ?? []
    this.#ends = [...of.map((name) => this.source.onCollection(name, changed)), this.source.onConnection(connection)]
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const end of this.#ends) end()
    this.#ends = []
  }

  #soon(ms: number): void {
    if (this.#listeners.size === 0) return
    if (this.#asking) {
      this.#stale = true
      return
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#ask(), ms)
  }

  async #ask(): Promise<void> {
    this.#asking = true
    this.#stale = false
    if (!this.#state.loading) this.#is({ ...this.#state, loading: true })
    try {
      const data = await this.question.ask(this.source)
      this.#failures = 0
      this.#is({ data, loading: false, error: undefined })
    } catch (error) {
      this.#failures += 1
      this.#is({ ...this.#state, loading: false, error: error instanceof Error ? error : new Error(String(error)) })
    }
    this.#asking = false
    if (this.#listeners.size === 0) return
    this.#watch()
    const every = this.question.every?.(this.source) ?? 0
    if (this.#stale) this.#soon(this.question.pause ?? PAUSE_MS)
    else if (every > 0 && this.#failures <= (this.question.retries ?? 3)) this.#soon(every)
  }

  #is(state: Asked<T>): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener()
  }
}

const REMOTES = new WeakMap<Source, Map<string, Remote<unknown>>>()

/** The one answer to a question; `name` tells it from others. */
export function remoteOf<T>(source: Source, name: string, question: Question<T>): Remote<T> {
  const all = REMOTES.get(source) ?? new Map<string, Remote<unknown>>()
  REMOTES.set(source, all)
  const known = all.get(name) ?? (new Remote(source, question) as Remote<unknown>)
  all.set(name, known)
  return known as Remote<T>
}

const never = (): (() => void) => () => {}

/** The answer, or what `select` makes of it. `question` belongs to `name`: it is read when the name is first heard. */
export function useRemote<T, S = Asked<T>>(
  name: string, question: Question<T>, select: (asked: Asked<T>) => S = identity as never, equal?: Equality<S>,
): S {
  const { source } = useOnair()
  const store = useMemo<Store<Asked<T>>>(() => {
    const remote = source && remoteOf(source, name, question)
    return {
      subscribe: (listener) => remote?.subscribe(listener) ?? never(),
      get: () => remote?.state ?? NOTHING,
      getServer: () => NOTHING,
    }
    // The name stands for the question.
  }, [source, name])
  return useSelected(store, select, equal)
}


// The state of the stream (row T1): what is in the log, and the figures that change fast and are not. Figures come as
// signals; where nothing is pushed they are asked for now and then (row E3).

import type { JsonObject, Phase, StreamFigures } from '@onair/client'
import { useMemo } from 'react'

import { useOnair } from './provider.js'
import { useRemote, type Question } from './remote.js'
import { identity, useSelected, type Store } from './select.js'
import type { Listen, Source } from './source.js'
import { useLifecycle } from './state.js'

/** How figures are asked for where they are not pushed. */
export interface StreamOptions {
  /** Milliseconds between two questions where signals do not come by themselves. */
  readonly pollInterval?: number
  /** How many questions may fail in a row before it is given up until the connection is back. */
  readonly maxRetries?: number
}

/** The stream at one moment. */
export interface StreamState {
  readonly isLive: boolean
  readonly isPaused: boolean
  readonly phase: Phase | 'unknown'
  readonly fps: number
  readonly targetFPS: number
  readonly frameCount: number
  readonly droppedFrames: number
  /** Milliseconds. */
  readonly averageRenderTime: number
  readonly startTime: string | null
  readonly error: JsonObject | null
  readonly loading: boolean
  /** Why the figures could not be read. */
  readonly failure: Error | undefined
}

const NONE: StreamFigures = {}
const ZERO = { fps: 0, targetFPS: 0, frameCount: 0, droppedFrames: 0, averageRenderTime: 0 }

/** The latest figures, from wherever they came last. */
class Figures {
  latest = NONE
  #listeners = new Set<Listen>()
  #end: (() => void) | undefined

  constructor(private readonly source: Source) {}

  take({ fps, targetFPS, frameCount, droppedFrames, averageRenderTime }: StreamFigures): void {
    const said = { fps, targetFPS, frameCount, droppedFrames, averageRenderTime }
    this.latest = { ...this.latest, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) }
    for (const listener of [...this.#listeners]) listener()
  }

  subscribe = (listener: Listen): (() => void) => {
    const own = (): void => listener()
    this.#listeners.add(own)
    this.#end ??= this.source.client.onSignal((stream) => this.take(stream))
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size > 0) return
      this.#end?.()
      this.#end = undefined
    }
  }
}

const FIGURES = new WeakMap<Source, Figures>()

function figuresOf(source: Source): Figures {
  const known = FIGURES.get(source) ?? new Figures(source)
  FIGURES.set(source, known)
  return known
}

function question(pollInterval: number, maxRetries: number): Question<null> {
  return {
    ask: async (source) => {
      const { stream } = await source.client.http.read<{ readonly stream: StreamFigures }>('')
      figuresOf(source).take(stream)
      return null
    },
    every: ({ connection: { transport } }) => (transport === 'poll' ? pollInterval : 0),
    retries: maxRetries,
  }
}

/** The state of the stream, with its figures. */
export function useStreamState({ pollInterval = 1_000, maxRetries = 3 }: StreamOptions = {}): StreamState {
  const { source } = useOnair()
  const lifecycle = useLifecycle()
  const asked = useMemo(() => question(pollInterval, maxRetries), [pollInterval, maxRetries])
  const { loading, error: failure } = useRemote(`stream ${pollInterval} ${maxRetries}`, asked)
  const store = useMemo<Store<StreamFigures>>(() => ({
    subscribe: (listener) => (source ? figuresOf(source).subscribe(listener) : () => {}),
    get: () => (source ? figuresOf(source).latest : NONE),
    getServer: () => NONE,
  }), [source])
  const figures = useSelected(store, identity)
  return useMemo(() => {
    const isLive = lifecycle?.phase === 'live'
    const liveSince = (lifecycle as { readonly liveSince?: string | null } | undefined)?.liveSince
    return {
      ...ZERO,
      ...figures,
      isLive,
      isPaused: isLive && lifecycle.paused,
      phase: lifecycle?.phase ?? 'unknown',
      startTime: (isLive && liveSince) || null,
      error: lifecycle?.error ?? null,
      loading: loading && failure === undefined,
      failure,
    }
  }, [lifecycle, figures, loading, failure])
}

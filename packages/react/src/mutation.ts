// Edits (row Y3): shown at once, and how they came out.

import { NetworkError, type EditOptions, type Mutation, type OnairError, type Result } from '@onair/client'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

import { useOnair } from './provider.js'

/** How the edits of one hook stand. */
export interface MutationState {
  /** `pending` until the server has answered; offline that is when it is there again. */
  readonly status: 'idle' | 'pending' | 'done' | 'refused'
  /** Of the last one: `merged` with what others changed meanwhile, or a `conflict` that somebody has to decide. */
  readonly outcome: 'applied' | 'merged' | 'conflict' | undefined
  /** The conflicts it opened, by their ids. */
  readonly conflicts: readonly string[]
  readonly error: OnairError | undefined
  /** Edits made through this hook that are not answered. */
  readonly waiting: number
}

/** Edits, as those of the client; none rejects. */
export interface Edits {
  /** All or nothing. */
  mutate(mutations: readonly Mutation[], options?: EditOptions): Promise<Result>
  /** That the document be this. */
  put(collection: string, document: string, value: unknown, options?: EditOptions): Promise<Result>
  /** A JSON Merge Patch: members are set, null removes one. */
  patch(collection: string, document: string, patch: unknown, options?: EditOptions): Promise<Result>
  /** That the document be gone. */
  remove(collection: string, document: string, options?: EditOptions): Promise<Result>
  /** Brings a deleted document back, or the version of a revision. */
  restore(collection: string, document: string, revision?: number): Promise<Result>
  /** Forgets how the last one came out. */
  reset(): void
}

/** What edits of a hook are told. */
export interface MutationOptions {
  /** Called with each answer, also when the component has gone. */
  readonly onSettled?: (result: Result) => void
}

const IDLE: MutationState = { status: 'idle', outcome: undefined, conflicts: [], error: undefined, waiting: 0 }

/** An edit never rejects, also not where there is nobody to take it yet. */
async function nobody(): Promise<Result> {
  const detail = 'there is no client yet'
  return { outcome: 'refused', error: new NetworkError({ code: 'offline', status: 0, title: 'offline', detail }) }
}

/** Edits documents, and tells how the last edit came out. The functions stay the same ones. */
export function useMutation({ onSettled }: MutationOptions = {}): MutationState & Edits {
  const { source } = useOnair()
  const [state, setState] = useState(IDLE)
  const told = useRef(onSettled)
  /** The last edit, or the moment it was forgotten: what came before is counted and not shown. */
  const last = useRef(0)
  useEffect(() => {
    told.current = onSettled
  })
  const follow = useCallback((answer: Promise<Result>): Promise<Result> => {
    const mine = ++last.current
    setState(({ waiting }) => ({ ...IDLE, status: 'pending', waiting: waiting + 1 }))
    return answer.then((result) => {
      setState((before) => {
        const waiting = Math.max(0, before.waiting - 1)
        return mine === last.current ? { ...settled(result), waiting } : { ...before, waiting }
      })
      told.current?.(result)
      return result
    })
  }, [])
  const edits = useMemo<Edits>(() => {
    const client = source?.client
    return {
      mutate: (mutations, options) => follow(client?.mutate(mutations, options) ?? nobody()),
      put: (collection, document, value, options) => follow(client?.put(collection, document, value, options) ?? nobody()),
      patch: (collection, document, patch, options) => follow(client?.patch(collection, document, patch, options) ?? nobody()),
      remove: (collection, document, options) => follow(client?.delete(collection, document, options) ?? nobody()),
      restore: (collection, document, revision) => follow(client?.restore(collection, document, revision) ?? nobody()),
      reset: () => {
        last.current += 1
        setState(({ waiting }) => ({ ...IDLE, waiting }))
      },
    }
  }, [source, follow])
  return useMemo(() => ({ ...state, ...edits }), [state, edits])
}

function settled(result: Result): MutationState {
  if (result.outcome === 'refused') return { ...IDLE, status: 'refused', error: result.error }
  return { ...IDLE, status: 'done', outcome: result.outcome, conflicts: result.conflicts ?? [] }
}

// The buttons of a show: one action, whether it is allowed and why not, and what came of it (rows L4, L9).

import type { ActionName, ActParams, Moved, Plan, StartParams } from '@onair/client'
import { useCallback, useMemo, useRef, useState } from 'react'

import { useBlockers, type Blockers } from './allowed.js'
import { useOnair } from './provider.js'
import type { Source } from './source.js'

/** An action as a button needs it. */
export interface Action extends Pick<Blockers, 'allowed' | 'reason' | 'missing'> {
  /** Carries it out. Answers `undefined` when that failed, and `error` says why. */
  run(params?: ActParams): Promise<Moved | undefined>
  /** What it would do; rejects when the server says no. */
  plan(params?: StartParams): Promise<Plan>
  readonly running: boolean
  readonly error: Error | undefined
  reset(): void
}

interface State {
  readonly of?: Source | undefined
  readonly name?: ActionName
  readonly running: boolean
  readonly error?: Error
}

const IDLE: State = { running: false }

/** An action of the lifecycle. */
export function useAction(name: ActionName): Action {
  const { source } = useOnair()
  const { allowed, reason, missing, refresh } = useBlockers(name)
  const [state, setState] = useState<State>(IDLE)
  const round = useRef(0)
  // What came of another action, or at another server, is not shown: a button that says "pause" may say "resume" before
  // it is answered.
  const shown = state.of === source && state.name === name ? state : IDLE
  const run = useCallback(
    async (params?: ActParams) => {
      const mine = ++round.current
      setState({ of: source, name, running: true })
      const ended = (error?: Error): void => {
        if (mine === round.current) setState({ of: source, name, running: false, ...(error && { error }) })
        refresh()
      }
      try {
        if (!source) throw new Error('there is no client yet')
        const moved = await source.client.actions.act(name, params)
        ended()
        return moved
      } catch (error) {
        ended(error instanceof Error ? error : new Error(String(error)))
        return undefined
      }
    },
    [source, name, refresh],
  )
  const plan = useCallback(
    (params?: StartParams) => source?.client.actions.plan(name, params) ?? Promise.reject(new Error('there is no client yet')),
    [source, name],
  )
  const reset = useCallback(() => setState(IDLE), [])
  return useMemo(
    () => ({ run, plan, reset, allowed, reason, missing, running: shown.running, error: shown.error }),
    [run, plan, reset, allowed, reason, missing, shown],
  )
}


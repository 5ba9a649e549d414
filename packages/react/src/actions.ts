// The buttons of a show: one action, whether it is allowed and why not, and what came of it (rows L4, L9).

import type { ActionName, ActParams, Moved, Plan, StartParams } from '@onair/client'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

import { useBlockers, type Blockers } from './allowed.js'
import { useOnair } from './provider.js'

export interface Action extends Pick<Blockers, 'allowed' | 'reason' | 'missing'> {
  /** Carries it out. Answers `undefined` when that failed, and `error` says why. */
  run(params?: ActParams): Promise<Moved | undefined>
  /** What it would do; rejects when the server says no. */
  plan(params?: StartParams): Promise<Plan>
  readonly running: boolean
  readonly error: Error | undefined
  reset(): void
}

/** An action of the lifecycle. */
export function useAction(name: ActionName): Action {
  const { source } = useOnair()
  const { allowed, reason, missing, refresh } = useBlockers(name)
  const [state, setState] = useState<{ readonly running: boolean; readonly error?: Error }>({ running: false })
  const round = useRef(0)
  // What comes of an action that was asked for before the component went, or asked for something else, is not shown.
  useEffect(() => () => void (round.current += 1), [source, name])
  const run = useCallback(
    async (params?: ActParams) => {
      const mine = ++round.current
      setState({ running: true })
      const ended = (error?: Error): void => {
        if (mine === round.current) setState({ running: false, ...(error && { error }) })
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
  const reset = useCallback(() => setState({ running: false }), [])
  return useMemo(
    () => ({ run, plan, reset, allowed, reason, missing, running: state.running, error: state.error }),
    [run, plan, reset, allowed, reason, missing, state],
  )
}


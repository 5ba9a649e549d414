// What may be done now, and what keeps it from being (row L9). The server computes it (`/can`, `/validate`): it is in
// no document, so it is asked for again when documents change that it is made of.

import type { ActionName, Can, Json, Phase, Validity } from '@onair/client'
import { useCallback, useMemo } from 'react'

import { useConnection } from './connection.js'
import { useOnair } from './provider.js'
import { remoteOf, useRemote, type Question } from './remote.js'
import type { Source } from './source.js'

type Cans = Readonly<Record<ActionName, Can>>

/** Why something cannot be done, or that it can. */
export interface Blockers {
  readonly allowed: boolean
  /** In words, for a person; `undefined` when it is allowed. */
  readonly reason: string | undefined
  /** Names of services and collections. */
  readonly missing: readonly string[]
  /** Whether it is being asked for, or was said before what is shown now. */
  readonly loading: boolean
  readonly error: Error | undefined
  refresh(): void
}

const NONE: readonly string[] = []

/** What the rules look at: the show itself, and the collections that must not be empty. */
function looksAt({ client }: Source): readonly string[] {
  const manifest = client.get<{ readonly requires?: readonly { readonly collection?: Json }[] }>('_system', 'manifest')
  const required = (manifest?.requires ?? []).flatMap(({ collection }) => (typeof collection === 'string' ? [collection] : []))
  return [...new Set(['_system', '_services', '_sequences', ...required])]
}

const CAN: Question<Cans> = { ask: ({ client }) => client.actions.can(), of: looksAt }
const validation = (to: Phase): Question<Validity> => ({ ask: ({ client }) => client.actions.validate(to), of: looksAt })

/** Why an action cannot be carried out now, or a phase not be reached: `useBlockers()` says why the show cannot start. */
export function useBlockers(what: ActionName | { readonly to: Phase } = 'start'): Blockers {
  const { source } = useOnair()
  const connected = useConnection((connection) => connection.state === 'connected')
  const to = typeof what === 'object' ? what.to : undefined
  const [name, question] = useMemo(
    () => (to === undefined ? (['can', CAN] as const) : ([`validate ${to}`, validation(to)] as const)),
    [to],
  )
  const action = typeof what === 'string' ? what : undefined
  const select = useCallback(
    ({ data, loading, error }: { readonly data: Cans | Validity | undefined; readonly loading: boolean; readonly error: Error | undefined }) => {
      const said = action === undefined ? (data as Validity | undefined) : (data as Cans | undefined)?.[action]
      const allowed = said !== undefined && ('valid' in said ? said.valid : said.allowed)
      const reason = said ? (said.reason ?? undefined) : error ? error.message : 'the server has not said yet'
      return { allowed, reason, missing: said?.missingDependencies ?? NONE, loading, error }
    },
    [action],
  )
  const said = useRemote<Cans | Validity, ReturnType<typeof select>>(name, question as Question<Cans | Validity>, select, alike)
  const refresh = useCallback(() => source && remoteOf(source, name, question as Question<Cans | Validity>).refresh(), [source, name, question])
  return useMemo(() => {
    if (!connected) return { ...said, allowed: false, reason: 'not connected to the server', refresh }
    return { ...said, reason: said.allowed ? undefined : said.reason, refresh }
  }, [said, connected, refresh])
}

/** Whether the show may be started now. */
export function useCanStart(): boolean {
  return useBlockers('start').allowed
}

/** Whether the show may be stopped now. */
export function useCanStop(): boolean {
  return useBlockers('stop').allowed
}

type Said = Omit<Blockers, 'refresh'>

function alike(a: Said, b: Said): boolean {
  return a.allowed === b.allowed && a.reason === b.reason && a.loading === b.loading && a.error === b.error && a.missing.join() === b.missing.join()
}

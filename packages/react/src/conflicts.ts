// Conflicts to decide, and findings of the check (rows K2, K3).

import type { Conflict, Finding, Json, Receipt } from '@onair/client'
import { useCallback, useMemo } from 'react'

import { useCollection } from './documents.js'
import { useOnair } from './provider.js'

/** Conflicts, and a way to decide them. */
export interface Conflicts {
  /** Those that are open, oldest first; with `all`, those that were decided as well. */
  readonly conflicts: readonly Conflict[]
  readonly open: number
  /** The late edit's value, the one that stands, or another one. Rejects with why not. */
  resolve(id: string, choose: 'local' | 'server'): Promise<Receipt>
  resolve(id: string, choose: 'merge', value: Json): Promise<Receipt>
}

/** The conflicts that are open, or all. */
export function useConflicts({ all = false }: { readonly all?: boolean } = {}): Conflicts {
  const { source } = useOnair()
  const documents = useCollection<Conflict>('_conflicts')
  const resolve = useCallback(
    (id: string, choose: 'local' | 'server' | 'merge', value?: Json): Promise<Receipt> => {
      const actions = source?.client.actions
      if (!actions) return Promise.reject(new Error('there is no client yet'))
      return choose === 'merge' ? actions.resolve(id, choose, value as Json) : actions.resolve(id, choose)
    },
    [source],
  )
  return useMemo(() => {
    const known = documents.map(({ value }) => value).sort((a, b) => order(a.openedAt, b.openedAt))
    const open = known.filter(({ status }) => status === 'open')
    return { conflicts: all ? known : open, open: open.length, resolve }
  }, [documents, all, resolve])
}

/** Findings, counted. */
export interface Findings {
  /** Those that stand, the gravest first. */
  readonly findings: readonly Finding[]
  readonly counts: Readonly<Record<Finding['severity'], number>>
  /** Runs the check now. */
  check(): Promise<Json>
}

const GRAVITY = { error: 0, warning: 1, info: 2 } as const

/** The findings that stand, the gravest first. */
export function useFindings(): Findings {
  const { source } = useOnair()
  const documents = useCollection<Finding>('_findings')
  const check = useCallback(
    () => source?.client.actions.check() ?? Promise.reject(new Error('there is no client yet')),
    [source],
  )
  return useMemo(() => {
    const standing = documents.map(({ value }) => value).filter(({ clearedAt }) => clearedAt === null)
    const findings = standing.sort((a, b) => GRAVITY[a.severity] - GRAVITY[b.severity] || order(a.firstSeen, b.firstSeen))
    const counts = { info: 0, warning: 0, error: 0 }
    for (const { severity } of findings) counts[severity] += 1
    return { findings, counts, check }
  }, [documents, check])
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

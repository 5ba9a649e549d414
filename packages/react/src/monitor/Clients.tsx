// Who is connected: kind, what waits for each, its quality, and whether it went out of step.

import type { ReactNode } from 'react'

import { useRemote, type Question } from '../remote.js'
import { Badge, Empty, Scroll } from './parts.js'
import { useNow, useView } from './view.js'
import { away, bytes } from './words.js'

interface Connected {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly actor: string
  readonly since: string
  readonly lastPing: string | null
  readonly lag: number
  readonly quality: string | null
  readonly diverged?: number
}

const EVERY_MS = 3_000
/** More than people read. */
const SHOWN = 100
const CLIENTS: Question<readonly Connected[]> = {
  ask: async ({ client }) => (await client.http.read<{ readonly clients: readonly Connected[] }>('clients')).clients,
  every: () => EVERY_MS,
}

export function useClients(): { readonly clients: readonly Connected[] | undefined; readonly error: Error | undefined } {
  const { data, error } = useRemote('clients', CLIENTS)
  return { clients: data, error }
}

export function Clients(): ReactNode {
  const { past } = useView()
  const { clients, error } = useClients()
  const now = useNow()
  if (past) return <Empty>Who was connected is not in the log.</Empty>
  if (!clients) return <Empty>{error ? error.message : 'Asking…'}</Empty>
  if (clients.length === 0) return <Empty>Nobody is connected.</Empty>
  return (
    <Scroll label="Clients">
      <ul className="onair-rows">
        {clients.slice(0, SHOWN).map(({ id, kind, name, actor, since, lastPing, lag, quality, diverged }) => (
          <li key={id}>
            <span className="onair-grow"><b>{name ?? id}</b> <span className="onair-soft">{actor}, {kind}, for {away(now - Date.parse(since))}{lastPing && `, heard ${away(now - Date.parse(lastPing))} ago`}{quality && `, ${quality}`}</span></span>
            {diverged !== undefined && diverged > 0 && <Badge word={`diverged ${diverged}×`} shown={['▲', 'warn']} />}
            <span className={lag > 0 ? 'onair-warn' : 'onair-soft'}>{lag > 0 ? `▲ ${bytes(lag)} behind` : 'in step'}</span>
          </li>
        ))}
      </ul>
      {clients.length > SHOWN && <Empty>and {clients.length - SHOWN} more</Empty>}
    </Scroll>
  )
}

// The backends: how far each was told, and what it did not take.

import type { Json } from '@onair/client'
import type { ReactNode } from 'react'

import { Badge, Empty } from './parts.js'
import { useDocs } from './view.js'
import { plural } from './words.js'

export interface Backend {
  readonly type?: string
  readonly status?: string
  readonly delivered?: number
  readonly lag?: number
  readonly parked?: number
  readonly failures?: number
  readonly lastError?: string | null
  readonly [more: string]: Json | undefined
}

export function Backends(): ReactNode {
  const backends = useDocs<Backend>('_backends')
  if (backends.length === 0) return <Empty>No backend is declared.</Empty>
  return (
    <ul className="onair-rows">
      {backends.map(({ id, value: { type, status, delivered, parked, failures, lastError } }) => (
        <li key={id}>
          <span className="onair-grow">
            <b>{id}</b> <span className="onair-soft">{type}{delivered !== undefined && `, told up to revision ${delivered}`}</span>
            {(failures ?? 0) > 0 && <span className="onair-warn onair-line">failed {plural(failures ?? 0, 'time')}</span>}
            {lastError && <span className="onair-bad onair-line">{lastError}</span>}
          </span>
          {(parked ?? 0) > 0 && <span className="onair-bad">{parked} parked</span>}
          {status !== undefined && <Badge word={status} />}
        </li>
      ))}
    </ul>
  )
}

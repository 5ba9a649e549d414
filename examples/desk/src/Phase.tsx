// The phase in one word, with what runs and what failed.

import { useBroadcastError, useBroadcastState, useSnapshot } from '@onair/react'
import type { ReactNode } from 'react'

export function Phase(): ReactNode {
  const { phase, paused } = useBroadcastState()
  const error = useBroadcastError()
  const running = useSnapshot(({ sequence }) => sequence?.steps.filter(({ status }) => status === 'running').map(({ name }) => name) ?? [])
  const word = phase === 'live' && paused ? 'paused' : phase
  return (
    <div className="phase" data-phase={word} role="status" aria-label="Phase">
      <strong>{word === 'unknown' ? '…' : word}</strong>
      {running.length > 0 && <span>{running.join(', ')}</span>}
      {typeof error?.['message'] === 'string' && <span className="bad">{error['message']}</span>}
    </div>
  )
}

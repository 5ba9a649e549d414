// The connection, what waits to be sent, and a way to hurry.

import { useConnection, useQueue, useUnsavedGuard } from '@onair/react'
import type { ReactNode } from 'react'

const WORDS = {
  connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting', offline: 'Offline', 'needs-auth': 'Sign in', failed: 'Refused',
} as const

export function Connection(): ReactNode {
  const { state, reason, transport } = useConnection()
  const { count, pending, retry, clear } = useQueue()
  useUnsavedGuard()
  const stuck = pending.filter(({ problem }) => problem).length
  return (
    <div className="connection" role="status" aria-label="Connection" data-state={state}>
      <i aria-hidden="true" />
      <span title={reason ?? transport ?? ''}>{WORDS[state]}</span>
      {count > 0 && <span className="waits">{count === 1 ? '1 edit waits' : `${count} edits wait`}</span>}
      {state !== 'connected' && state !== 'connecting' && <button type="button" className="small" onClick={() => retry()}>Try now</button>}
      {stuck > 0 && <button type="button" className="small" onClick={() => clear()}>Give up {stuck}</button>}
    </div>
  )
}

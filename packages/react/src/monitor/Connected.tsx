// How this page hangs together with the server, and that what is shown without it is how it was.

import { useEffect, useState, type FormEvent, type ReactNode } from 'react'

import { useConnection } from '../connection.js'
import { Badge } from './parts.js'
import { useMonitorClient, useNow } from './view.js'
import { away, plural, timeOf } from './words.js'

export function ConnectionBadge(): ReactNode {
  const { state, transport, pending, role } = useConnection()
  return (
    <span className="onair-connection" role="status" aria-label="Connection">
      <Badge word={state} />
      <span className="onair-soft">{[transport === 'socket' ? undefined : transport, role].filter((one) => one !== undefined && one !== null).join(', ')}</span>
      {pending > 0 && <span className="onair-warn">{plural(pending, 'edit')} waiting</span>}
    </span>
  )
}

/** Says since when nothing was heard; while all is well it says nothing. */
export function Apart(): ReactNode {
  const { state, reason, lastUpdate, retryInMs } = useConnection()
  const client = useMonitorClient()
  const now = useNow()
  const [next, setNext] = useState<number>()
  useEffect(() => {
    setNext(retryInMs === null ? undefined : Date.now() + retryInMs)
  }, [retryInMs, state])
  if (state === 'connected' || state === 'needs-auth' || lastUpdate === null) return null
  return (
    <div className="onair-alert onair-apart" data-tone="warn" role="status">
      <p><i aria-hidden="true">▲</i><b>The server is not there.</b> This is how it was at {timeOf(lastUpdate)}, {away(now - lastUpdate)} ago.</p>
      <p>
        {reason !== null && <span className="onair-soft">{reason} </span>}
        {next !== undefined && next > now ? `Trying again in ${away(next - now)}. ` : 'Trying again. '}
        <button type="button" className="onair-ghost" onClick={() => client?.retry()}>Try now</button>
      </p>
    </div>
  )
}

/** A server that wants to know who is there. The token stays in this window. */
export function SignIn({ onToken }: { readonly onToken?: ((token: string) => void) | undefined }): ReactNode {
  const client = useMonitorClient()
  const reason = useConnection(({ reason: why }) => why)
  const [token, setToken] = useState('')
  const go = (event: FormEvent): void => {
    event.preventDefault()
    onToken?.(token)
    client?.authenticate(token)
  }
  return (
    <form className="onair-signin onair-panel" onSubmit={go}>
      <h2>{client?.http.production ?? 'onair'} wants to know who is there</h2>
      <label>Token <input type="password" autoComplete="off" autoFocus value={token} onChange={({ target }) => setToken(target.value)} /></label>
      <button type="submit" data-main="true" disabled={token === ''}>Go on</button>
      <p className="onair-soft">{reason ?? ''} A token is made by <code>onair token create --name desk --role operator</code>. It is kept until this window is closed.</p>
    </form>
  )
}

// One production where the address names one or there is no other; otherwise all of them.

import { connect, type Client } from '@onair/client'
import { ErrorBoundary, OnairProvider, useBroadcastState } from '@onair/react'
import { Monitor, STOP_KEY } from '@onair/react/monitor'
import { useCallback, useEffect, useState, type ReactNode } from 'react'

import { useProduction } from './address.js'
import { Overview, useProductions } from './Overview.js'
import { THEMES, useTheme, type Theme } from './theme.js'
import { keepToken, token } from './token.js'

export function Page(): ReactNode {
  const named = useProduction()
  const answer = useProductions(named === undefined)
  const [theme, setTheme] = useTheme()
  const [only] = answer.productions?.length === 1 ? answer.productions : []
  useEffect(() => {
    // A server with one production shows it, unless somebody asked for all; a second one later takes nothing away.
    if (only && !location.href.endsWith('#')) location.replace(`#${only.id}`)
  }, [only])
  const choice = (
    <><a href="/docs">API</a><label className="onair-soft">Theme <select value={theme} onChange={({ target }) => setTheme(target.value as Theme)}>{THEMES.map((one) => <option key={one}>{one}</option>)}</select></label></>
  )
  if (named === undefined) return <Overview answer={answer} aside={choice} theme={theme} />
  return <One key={named} production={named} theme={theme} aside={<><a href="#">All productions</a>{choice}</>} />
}

function One({ production, theme, aside }: { readonly production: string; readonly theme: Theme; readonly aside: ReactNode }): ReactNode {
  const [client, setClient] = useState<Client>()
  const [authorized, setAuthorized] = useState(token() !== undefined)
  const onToken = useCallback((given: string): void => {
    keepToken(given)
    setAuthorized(true)
  }, [])
  useEffect(() => {
    const made = connect({ url: location.origin, production, token })
    setClient(made)
    return () => made.close()
  }, [production])
  if (!client) return null
  return (
    <ErrorBoundary>
      <OnairProvider client={client}>
        <Title production={production} />
        <h1 className="onair-away">The monitor of {production}</h1>
        <Monitor stopKey={STOP_KEY} authorized={authorized} onToken={onToken} theme={theme} aside={aside} />
      </OnairProvider>
    </ErrorBoundary>
  )
}

function Title({ production }: { readonly production: string }): ReactNode {
  const { phase } = useBroadcastState()
  return <title>{`${phase === 'live' ? '● ' : phase === 'error' ? '✕ ' : ''}${production} · onair`}</title>
}

// What an error boundary shows unless it is told what: plain elements, to be styled by `.onair-broken`.

import { useState, type ReactNode } from 'react'

import type { FallbackProps } from './boundary.js'

const SAID = { no: 'Report', sending: 'Reporting…', sent: 'Reported', failed: 'Not reported: try again' } as const

export function Broken({ error, details, retry, reload, report }: FallbackProps): ReactNode {
  const [reported, setReported] = useState<keyof typeof SAID>('no')
  const send = async (): Promise<void> => {
    setReported('sending')
    await report?.().then(() => setReported('sent'), () => setReported('failed'))
  }
  return (
    <section role="alert" className="onair-broken">
      <h2>This part is broken</h2>
      <p>{error.message}</p>
      <p>
        <button type="button" onClick={retry}>Try again</button>{' '}
        <button type="button" onClick={reload}>Reload the page</button>{' '}
        {report && (
          <button type="button" disabled={reported === 'sending' || reported === 'sent'} onClick={() => void send()}>
            {SAID[reported]}
          </button>
        )}
      </p>
      {details !== undefined && (
        <details>
          <summary>Details</summary>
          <pre>{details}</pre>
        </details>
      )}
    </section>
  )
}

// Where the desk begins: which server and production stand in the address, `?server=http://127.0.0.1:4200&production=main`.

import { connect } from '@onair/client'
import { ErrorBoundary, OnairProvider } from '@onair/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { Desk } from './Desk.js'
import './desk.css'

const address = new URLSearchParams(location.search)
const client = connect({
  url: address.get('server') ?? 'http://127.0.0.1:4200',
  production: address.get('production') ?? 'main',
  token: () => sessionStorage.getItem('token') ?? undefined,
})

// For whoever looks at it from the console, and for the browser tests.
Object.assign(globalThis, { client })

createRoot(document.getElementById('desk') as HTMLElement).render(
  <StrictMode>
    <ErrorBoundary>
      <OnairProvider client={client}>
        <Desk production={client.http.production} />
      </OnairProvider>
    </ErrorBoundary>
  </StrictMode>,
)

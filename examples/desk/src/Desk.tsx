// The desk: what the show is doing, what may be done, and what is on the air.

import { ErrorBoundary, useConnection, useIsBroadcasting } from '@onair/react'
import { useEffect, type ReactNode } from 'react'

import { Chat } from './Chat.js'
import { Conflicts } from './Conflicts.js'
import { Connection } from './Connection.js'
import { Controls } from './Controls.js'
import { Layers } from './Layers.js'
import { Notices } from './Notices.js'
import { Phase } from './Phase.js'
import { Sessions } from './Sessions.js'
import { SignIn } from './SignIn.js'

export function Desk({ production }: { production: string }): ReactNode {
  const live = useIsBroadcasting()
  const state = useConnection((connection) => connection.state)
  useEffect(() => {
    document.title = `${live ? '● ' : ''}${production} · onair`
  }, [live, production])
  if (state === 'needs-auth') return <SignIn production={production} />
  return (
    <>
      {/* What is shown without a connection is how it was. */}
      <header className={state === 'connected' ? 'top' : 'top apart'}>
        <h1>{production}</h1>
        <Phase />
        <Connection />
      </header>
      <main className={state === 'connected' ? '' : 'apart'}>
        <Panel title="Show"><Controls /></Panel>
        <Panel title="Layers"><Layers /></Panel>
        <Panel title="Sessions"><Sessions /></Panel>
        <Panel title="Chat"><Chat /></Panel>
      </main>
      <Conflicts />
      <Notices />
    </>
  )
}

/** A part that breaks leaves the others alone. */
function Panel({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <section className={`panel ${title.toLowerCase()}`} aria-label={title}>
      <h2>{title}</h2>
      <ErrorBoundary>{children}</ErrorBoundary>
    </section>
  )
}

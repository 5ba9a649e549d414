// The monitor: everything about one production, as it is and as it was. The page at `/` is this, and so is the component.

import { useEffect, useId, useMemo, useState, type ReactNode } from 'react'

import { useConnection } from '../connection.js'
import { useMonitorClient, useShow, useView, ViewContext } from './view.js'
import { Actions } from './Actions.js'
import { Alerts, useAlerts } from './Alerts.js'
import { Backends } from './Backends.js'
import { Chat } from './Chat.js'
import { Clients } from './Clients.js'
import { Conflicts, useOpenConflicts } from './Conflicts.js'
import { Apart, ConnectionBadge, SignIn } from './Connected.js'
import { Diagram } from './Diagram.js'
import { StopGuard } from './EmergencyStop.js'
import { Findings } from './Findings.js'
import { History } from './History.js'
import { Layers } from './Layers.js'
import { Badge, Panel } from './parts.js'
import { Picture } from './Picture.js'
import { Raw } from './Raw.js'
import { Sequences } from './Sequences.js'
import { Services } from './Services.js'
import { Signals } from './Signals.js'
import { useStyle } from './style.js'
import { TimeLine } from './timeline/TimeLine.js'
import { useTimeLine } from './timeline/use.js'
import { phaseShown } from './words.js'

export interface MonitorProps {
  /** Phase, actions, services and what is wrong, and nothing else. */
  readonly compact?: boolean
  /** The key that asks for an emergency stop; none, unless it is said. */
  readonly stopKey?: string
  /** Whether the server asks for tokens, so that commands to copy say who asks. */
  readonly authorized?: boolean
  /** Told the token that somebody gave. */
  readonly onToken?: (token: string) => void
  /** Beside the name of the production. */
  readonly aside?: ReactNode
  readonly theme?: 'auto' | 'dark' | 'light'
}

const TABS = ['show', 'conflicts', 'raw'] as const
type Tab = (typeof TABS)[number]

export function Monitor({ compact = false, stopKey, authorized = false, onToken, aside, theme = 'auto' }: MonitorProps): ReactNode {
  useStyle()
  const client = useMonitorClient()
  const state = useConnection((connection) => connection.state)
  const [recording, setRecording] = useState(false)
  const [tab, setTab] = useState<Tab>('show')
  const line = useTimeLine(client, recording && !compact)
  const scope = useId()
  const view = useMemo(() => ({ past: line.past, authorized, scope }), [line.past, authorized, scope])
  return (
    <div className="onair-monitor" data-theme={theme} data-compact={compact} data-past={line.past !== undefined}>
      <ViewContext.Provider value={view}>
        {state === 'needs-auth' ? <SignIn onToken={onToken} /> : (
          <StopGuard stopKey={stopKey}>
            <Top aside={aside}>
              {!compact && <Tabs tab={tab} onTab={setTab} scope={scope} recording={recording} onRecord={setRecording} />}
            </Top>
            <Apart />
            {recording && !compact && <TimeLine line={line} />}
            <Alerts onConflicts={compact ? undefined : () => setTab('conflicts')} />
            {compact ? <Small /> : <Body tab={tab} scope={scope} />}
          </StopGuard>
        )}
      </ViewContext.Provider>
    </div>
  )
}

function Top({ aside, children }: { readonly aside: ReactNode; readonly children: ReactNode }): ReactNode {
  const client = useMonitorClient()
  const { word, show } = useShow()
  const { past } = useView()
  return (
    <header className="onair-top">
      <h2>{client?.http.production ?? '…'}</h2>
      <span role="status" aria-label="Phase" className="onair-phase"><Badge word={word} shown={phaseShown(word)} /></span>
      {show?.sessionId && <span className="onair-soft">session {show.sessionId}</span>}
      <Revision />
      {!past && <ConnectionBadge />}
      <span className="onair-grow" />
      {children}
      {aside}
    </header>
  )
}

/** The revision that is shown; read off the client when documents change, which is when it can be another. */
function Revision(): ReactNode {
  const client = useMonitorClient()
  const { past } = useView()
  const [live, setLive] = useState('')
  useEffect(() => {
    if (!client) return undefined
    const read = (): void => setLive(client.position.split(':')[1] ?? '')
    read()
    return client.subscribe({}, read)
  }, [client])
  return <span className="onair-soft onair-number">revision {past?.revision ?? live}</span>
}

interface TabsProps {
  readonly tab: Tab
  readonly onTab: (tab: Tab) => void
  readonly scope: string
  readonly recording: boolean
  readonly onRecord: (recording: boolean) => void
}

function Tabs({ tab, onTab, scope, recording, onRecord }: TabsProps): ReactNode {
  const open = useOpenConflicts()
  const words: Readonly<Record<Tab, string>> = { show: 'Show', conflicts: open > 0 ? `Conflicts (${open})` : 'Conflicts', raw: 'Raw JSON' }
  return (
    <>
      <div role="tablist" aria-label="Views" className="onair-tabs">
        {TABS.map((name, at) => (
          <button
            key={name} type="button" role="tab" id={`${scope}-${name}`} aria-selected={tab === name} aria-controls={`${scope}-body`} tabIndex={tab === name ? 0 : -1}
            onClick={() => onTab(name)}
            onKeyDown={({ key, currentTarget }) => {
              const to = key === 'ArrowRight' ? at + 1 : key === 'ArrowLeft' ? at - 1 : key === 'Home' ? 0 : key === 'End' ? TABS.length - 1 : undefined
              const next = to === undefined ? undefined : TABS[(to + TABS.length) % TABS.length]
              if (next === undefined) return
              onTab(next)
              currentTarget.parentElement?.querySelector<HTMLElement>(`[id="${scope}-${next}"]`)?.focus()
            }}
          >
            {words[name]}
          </button>
        ))}
      </div>
      <button type="button" className="onair-record" aria-pressed={recording} onClick={() => onRecord(!recording)}>Time line</button>
    </>
  )
}

function Body({ tab, scope }: { readonly tab: Tab; readonly scope: string }): ReactNode {
  return (
    <div role="tabpanel" id={`${scope}-body`} aria-labelledby={`${scope}-${tab}`} className="onair-body" data-tab={tab}>
      {tab === 'show' && <Full />}
      {tab === 'conflicts' && <Panel title="Conflict inbox"><Conflicts /></Panel>}
      {tab === 'raw' && <Panel title="Everything as JSON"><Raw /></Panel>}
    </div>
  )
}

function Full(): ReactNode {
  return (
    <div className="onair-columns">
      <div>
        <Panel title="State"><Diagram /></Panel>
        <Panel title="Actions"><Actions /></Panel>
        <Panel title="Preview"><Picture /></Panel>
      </div>
      <div>
        <Panel title="Sequence"><Sequences /></Panel>
        <Panel title="Services"><Services /></Panel>
        <Panel title="Moves"><History /></Panel>
        <Panel title="Findings"><Findings /></Panel>
      </div>
      <div>
        <Panel title="Signals"><Signals /></Panel>
        <Panel title="Layers"><Layers /></Panel>
        <Panel title="Chat"><Chat /></Panel>
        <Panel title="Clients"><Clients /></Panel>
        <Panel title="Backends"><Backends /></Panel>
      </div>
    </div>
  )
}

function Small(): ReactNode {
  const wrong = useAlerts().length
  return (
    <div className="onair-small">
      <Panel title="Actions"><Actions compact /></Panel>
      <Panel title="Services" aside={wrong > 0 ? <span className="onair-warn">▲ {wrong}</span> : undefined}><Services /></Panel>
    </div>
  )
}

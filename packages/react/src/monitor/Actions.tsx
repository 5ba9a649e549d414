// The buttons of a show (row M2): each with its reason when it cannot be pressed, the plan before a start, a question
// before an emergency stop, and what to type instead.

import type { ActionName } from '@onair/client'
import { useId, useState, type ReactNode } from 'react'

import { useAction } from '../actions.js'
import { CopyCommand, useCommands } from './Copy.js'
import { EmergencyStop } from './EmergencyStop.js'
import { StartDialog } from './StartDialog.js'
import { useShow, useView } from './view.js'

export const WORDS: Readonly<Record<ActionName, string>> = {
  initialize: 'Initialize', start: 'Start', pause: 'Pause', resume: 'Resume', stop: 'Stop', recover: 'Recover', 'emergency-stop': 'Emergency stop',
}
const ROWS: readonly ActionName[] = ['initialize', 'start', 'pause', 'resume', 'stop', 'recover']

/** Of all actions, or in a small place of those that the phase asks for. */
export function Actions({ compact = false }: { readonly compact?: boolean }): ReactNode {
  const { word } = useShow()
  const wanted = compact ? ROWS.filter((name) => WANTED[word]?.includes(name)) : ROWS
  return (
    <div className="onair-actions">
      {wanted.map((name) => <Row key={name} name={name} />)}
      <EmergencyStop />
    </div>
  )
}

const WANTED: Readonly<Record<string, readonly ActionName[]>> = {
  idle: ['initialize'], initializing: [], ready: ['start'], starting: ['stop'], live: ['pause', 'stop'], paused: ['resume', 'stop'], stopping: [],
  error: ['recover', 'initialize'],
}

/** Why a button cannot be pressed, in the past before anything else. */
export function useWhyNot(allowed: boolean, reason: string | undefined): string | undefined {
  const { past } = useView()
  if (past) return 'an earlier revision is shown'
  return allowed ? undefined : (reason ?? 'not now')
}

function Row({ name }: { readonly name: ActionName }): ReactNode {
  const { run, allowed, reason, missing, running, error, reset } = useAction(name)
  const commands = useCommands()
  const [asking, setAsking] = useState(false)
  const id = useId()
  const whyNot = useWhyNot(allowed, reason)
  const press = (): void => {
    if (whyNot !== undefined || running) return
    if (name === 'start') setAsking(true)
    else void run()
  }
  return (
    <div className="onair-action">
      {/* One that cannot be pressed can still be reached, so that its reason can be read. */}
      <button
        type="button" aria-disabled={whyNot !== undefined || running} aria-busy={running} data-main={name === 'start'}
        aria-describedby={whyNot !== undefined || error ? id : undefined} onClick={press}
      >
        {running ? `${WORDS[name]}…` : WORDS[name]}
      </button>
      <CopyCommand command={commands?.action(name)} of={WORDS[name].toLowerCase()} />
      {error && (
        <p id={id} className="onair-bad" role="alert">
          {error.message} <button type="button" className="onair-ghost" onClick={reset}>Dismiss</button>
        </p>
      )}
      {!error && whyNot !== undefined && (
        <p id={id} className="onair-soft">
          {whyNot}
          {missing.length > 0 && <span className="onair-missing">{missing.map((one) => <b key={one}>{one}</b>)}</span>}
        </p>
      )}
      {asking && <StartDialog run={run} onClose={() => setAsking(false)} />}
    </div>
  )
}

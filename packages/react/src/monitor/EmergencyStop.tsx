// The emergency stop: one button, one key, and one question before it (rows L7, M2). It is there whatever else is shown,
// also while somebody looks at the past: what it stops is the show as it is now.

import { createContext, useCallback, useContext, useEffect, useId, useMemo, useState, type ReactNode } from 'react'

import { useAction, type Action } from '../actions.js'
import { CopyCommand, useCommands } from './Copy.js'
import { Dialog } from './Dialog.js'
import { useMonitorClient } from './view.js'

/** The key that asks for it, and answers yes. No letter: letters belong to whoever types. */
export const STOP_KEY = 'F9'

interface Stop {
  readonly action: Action
  readonly stopKey: string | undefined
  /** Asks whether to stop; while it is asked already, that is the answer. */
  press(): void
}

const StopContext = createContext<Stop | undefined>(undefined)

/** Keeps the question and the key for the panels within. */
export function StopGuard({ stopKey, children }: { readonly stopKey: string | undefined; readonly children: ReactNode }): ReactNode {
  const action = useAction('emergency-stop')
  const production = useMonitorClient()?.http.production ?? ''
  const [asking, setAsking] = useState(false)
  const { run, allowed, running } = action
  const go = useCallback((): void => {
    setAsking(false)
    void run()
  }, [run])
  const press = useCallback((): void => {
    if (asking) go()
    else if (allowed && !running) setAsking(true)
  }, [asking, allowed, running, go])
  useEffect(() => {
    if (stopKey === undefined) return undefined
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== stopKey || event.repeat || event.defaultPrevented) return
      event.preventDefault()
      press()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [stopKey, press])
  const stop = useMemo(() => ({ action, stopKey, press }), [action, stopKey, press])
  return (
    <StopContext.Provider value={stop}>
      {children}
      {asking && (
        <Dialog title="Stop everything now?" grave onClose={() => setAsking(false)}>
          <p>{`Every service of ${production} is turned off at once, whatever is under way. What does not answer is left and written down as owed.`}</p>
          <p className="onair-buttons">
            <button type="button" className="onair-stop" autoFocus onClick={go}>Stop everything {stopKey !== undefined && <kbd aria-hidden="true">{stopKey}</kbd>}</button>
            <button type="button" onClick={() => setAsking(false)}>Cancel</button>
          </p>
        </Dialog>
      )}
    </StopContext.Provider>
  )
}

export function EmergencyStop(): ReactNode {
  const stop = useContext(StopContext)
  const commands = useCommands()
  const id = useId()
  if (!stop) return null
  const { action: { allowed, reason, running, error, reset }, stopKey, press } = stop
  const said = error !== undefined || !allowed
  return (
    <div className="onair-action onair-danger">
      <button type="button" aria-disabled={!allowed || running} aria-busy={running} aria-keyshortcuts={stopKey} aria-describedby={said ? id : undefined} onClick={press}>
        {running ? 'Stopping everything…' : 'Emergency stop'} {stopKey !== undefined && <kbd aria-hidden="true">{stopKey}</kbd>}
      </button>
      <CopyCommand command={commands?.action('emergency-stop')} of="emergency stop" />
      {error && <p id={id} className="onair-bad" role="alert">{error.message} <button type="button" className="onair-ghost" onClick={reset}>Dismiss</button></p>}
      {!error && !allowed && <p id={id} className="onair-soft">{reason}</p>}
    </div>
  )
}

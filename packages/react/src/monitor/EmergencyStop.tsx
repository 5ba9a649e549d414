// The emergency stop: one button, one key, and one question before it (rows L7, M2).

import { useCallback, useEffect, useId, useRef, useState, type ReactNode } from 'react'

import { useAction } from '../actions.js'
import { useWhyNot } from './Actions.js'
import { CopyCommand, useCommands } from './Copy.js'
import { Dialog } from './Dialog.js'
import { useMonitorClient } from './view.js'

/** The key that asks for it, and answers yes. No letter: letters belong to whoever types. */
export const STOP_KEY = 'F9'
const ASKED = 'onair:emergency'

/** Asks the monitor on this page whether to stop everything; for keys. */
export function askForStop(): void {
  dispatchEvent(new Event(ASKED))
}

/** Listens to the key for as long as it is wanted. */
export function useStopKey(key: string | undefined): void {
  useEffect(() => {
    if (key === undefined) return undefined
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== key || event.repeat || event.defaultPrevented) return
      event.preventDefault()
      askForStop()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [key])
}

export function EmergencyStop(): ReactNode {
  const { run, allowed, reason, running, error, reset } = useAction('emergency-stop')
  const production = useMonitorClient()?.http.production ?? ''
  const commands = useCommands()
  const [asking, setAsking] = useState(false)
  const asked = useRef(false)
  const id = useId()
  const whyNot = useWhyNot(allowed, reason)
  const ready = whyNot === undefined && !running
  const close = useCallback(() => setAsking(false), [])
  useEffect(() => {
    asked.current = asking
  }, [asking])
  const go = useCallback((): void => {
    setAsking(false)
    void run()
  }, [run])
  useEffect(() => {
    const ask = (): void => {
      if (asked.current) go()
      else if (ready) setAsking(true)
    }
    addEventListener(ASKED, ask)
    return () => removeEventListener(ASKED, ask)
  }, [ready, go])
  return (
    <div className="onair-action onair-danger">
      <button type="button" aria-disabled={!ready} aria-busy={running} aria-keyshortcuts={STOP_KEY} aria-describedby={whyNot !== undefined || error ? id : undefined} onClick={() => ready && setAsking(true)}>
        {running ? 'Stopping everything…' : 'Emergency stop'} <kbd aria-hidden="true">{STOP_KEY}</kbd>
      </button>
      <CopyCommand command={commands?.action('emergency-stop')} of="emergency stop" />
      {error && <p id={id} className="onair-bad" role="alert">{error.message} <button type="button" className="onair-ghost" onClick={reset}>Dismiss</button></p>}
      {!error && whyNot !== undefined && <p id={id} className="onair-soft">{whyNot}</p>}
      {asking && (
        <Dialog title="Stop everything now?" grave onClose={close}>
          <p>{`Every service of ${production} is turned off at once, whatever is under way. What does not answer is left and written down as owed.`}</p>
          <p className="onair-buttons">
            <button type="button" className="onair-stop" autoFocus onClick={go}>Stop everything <kbd aria-hidden="true">{STOP_KEY}</kbd></button>
            <button type="button" onClick={close}>Cancel</button>
          </p>
        </Dialog>
      )}
    </div>
  )
}

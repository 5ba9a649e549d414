// The buttons of the show, each with its reason when it cannot be pressed.

import type { ActionName } from '@onair/client'
import { useAction, useBroadcastState, useMutation } from '@onair/react'
import { useEffect, useId, useState, type ReactNode } from 'react'

import { useChosen } from './chosen.js'

export function Controls(): ReactNode {
  const { phase, paused } = useBroadcastState()
  const [session] = useChosen()
  return (
    <div className="controls">
      <Button action="initialize" />
      <Button action="start" params={session === undefined ? {} : { sessionId: session }} main />
      <Button action={paused ? 'resume' : 'pause'} />
      <Button action="stop" />
      {phase === 'error' && <Button action="recover" />}
      <Button action="emergency-stop" sure />
    </div>
  )
}

const WORDS: Readonly<Record<ActionName, string>> = {
  initialize: 'Initialize', start: 'Start', pause: 'Pause', resume: 'Resume', stop: 'Stop', recover: 'Recover', 'emergency-stop': 'Emergency stop',
}

interface Props {
  action: ActionName
  params?: { sessionId?: string }
  main?: boolean
  /** Whether it asks once more. */
  sure?: boolean
}

function Button({ action, params = {}, main = false, sure = false }: Props): ReactNode {
  const { run, allowed, reason, missing, running, error, reset } = useAction(action)
  const [asked, setAsked] = useState(false)
  const id = useId()
  useEffect(() => {
    if (!asked) return undefined
    const timer = setTimeout(() => setAsked(false), 4_000)
    return () => clearTimeout(timer)
  }, [asked])
  const press = (): void => {
    if (!allowed || running) return
    setAsked(sure && !asked)
    if (!sure || asked) void run(params)
  }
  const said = error?.message ?? (allowed ? undefined : reason)
  return (
    <div className={`control ${main ? 'main' : ''} ${sure ? 'danger' : ''}`}>
      {/* One that cannot be pressed can still be reached, so that its reason can be read. */}
      <button type="button" aria-disabled={!allowed || running} aria-describedby={said ? id : undefined} aria-busy={running} onClick={press}>
        {asked ? 'Press again to stop' : running ? `${WORDS[action]}…` : WORDS[action]}
      </button>
      {said !== undefined && (
        <p id={id} className={error ? 'bad' : 'why'} role={error ? 'alert' : undefined}>
          {said} {error && <button type="button" className="small" onClick={reset}>Dismiss</button>}
          {!error && action === 'start' && <Missing names={missing} />}
        </p>
      )}
    </div>
  )
}

/** What keeps a show from starting, and the one thing of it that a desk can put right. */
function Missing({ names }: { names: readonly string[] }): ReactNode {
  const { put } = useMutation()
  if (names.length === 0) return null
  return (
    <>
      <span className="missing">{names.map((name) => <b key={name}>{name}</b>)}</span>
      {names.includes('feed') && (
        <button type="button" className="small" onClick={() => void put('feed', `f-${Date.now().toString(36)}`, { title: 'First item' })}>
          Add to the feed
        </button>
      )}
    </>
  )
}

// What a start would do, said by the code that starts, before it does.

import type { ActParams, Moved, Plan } from '@onair/client'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'

import { useAction } from '../actions.js'
import { CopyCommand, useCommands } from './Copy.js'
import { Dialog } from './Dialog.js'
import { lasting } from './words.js'

type Step = Plan['steps'][number] & { readonly skipped?: boolean; readonly optional?: boolean }
type Planned = Omit<Plan, 'steps'> & { readonly steps: readonly Step[] }

interface Props {
  readonly run: (params?: ActParams) => Promise<Moved | undefined>
  readonly onClose: () => void
}

export function StartDialog({ run, onClose }: Props): ReactNode {
  const { plan } = useAction('start')
  const commands = useCommands()
  const [planned, setPlanned] = useState<Planned>()
  const [error, setError] = useState<string>()
  const [sessionId, setSession] = useState('')
  const [kind, setKind] = useState('')
  useEffect(() => {
    let here = true
    plan().then((said) => here && setPlanned(said as Planned), (why: Error) => here && setError(why.message))
    return () => {
      here = false
    }
  }, [plan])
  const params = { ...(sessionId.trim() !== '' && { sessionId: sessionId.trim() }), ...(kind.trim() !== '' && { kind: kind.trim() }) }
  const go = (event: FormEvent): void => {
    event.preventDefault()
    onClose()
    void run(params)
  }
  return (
    <Dialog title="Start the show" onClose={onClose}>
      {error !== undefined && <p className="onair-bad" role="alert">{error}</p>}
      {!planned && error === undefined && <p className="onair-soft" aria-busy="true">Asking for the plan…</p>}
      {planned && <Steps plan={planned} />}
      <form onSubmit={go}>
        <label>Session <input value={sessionId} placeholder="made by the server" onChange={({ target }) => setSession(target.value)} /></label>
        <label>Kind <input value={kind} placeholder="none" onChange={({ target }) => setKind(target.value)} /></label>
        <p className="onair-buttons">
          <button type="submit" data-main="true" autoFocus disabled={planned?.allowed !== true}>Start now</button>
          <button type="button" onClick={onClose}>Cancel</button>
          <CopyCommand command={commands?.action('start', params)} of="this start" />
        </p>
      </form>
    </Dialog>
  )
}

function Steps({ plan: { allowed, reason, steps, missingDependencies, irreversible } }: { readonly plan: Planned }): ReactNode {
  return (
    <>
      {!allowed && <p className="onair-bad">{reason ?? 'It is not allowed now.'} {missingDependencies.join(', ')}</p>}
      <ol className="onair-plan" aria-label="Plan">
        {steps.map(({ name, deadline, compensation, skipped, optional }) => (
          <li key={name} data-skipped={skipped === true}>
            <b>{name}</b>
            <span>{skipped === true ? 'nothing to do' : `within ${lasting(deadline)}`}{optional === true && ', may fail'}</span>
            <span className="onair-soft">{compensation === null ? 'cannot be undone' : `undone by ${compensation}`}</span>
          </li>
        ))}
      </ol>
      {irreversible.length > 0 && <p className="onair-warn">▲ Cannot be undone: {irreversible.join(', ')}</p>}
    </>
  )
}

// The conflict inbox (row K3): what there was, what the late edit says and what stands, side by side with what differs
// marked; one is chosen or another value written, and who decided is kept.

import type { Conflict, Json } from '@onair/client'
import { useId, useMemo, useState, type ReactNode } from 'react'

import { useConflicts } from '../conflicts.js'
import { CopyCommand, useCommands } from './Copy.js'
import { Badge, Empty } from './parts.js'
import { linesOf } from './difference.js'
import { useDocs, useView } from './view.js'
import { timeOf } from './words.js'

const SHOWN = 50

export function useOpenConflicts(): number {
  return useDocs<Conflict>('_conflicts').filter(({ value }) => value.status === 'open').length
}

export function Conflicts(): ReactNode {
  const all = useDocs<Conflict>('_conflicts').map(({ value }) => value)
  const open = all.filter(({ status }) => status === 'open').sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1))
  const decided = all.filter(({ status }) => status !== 'open').sort((a, b) => ((a.resolvedAt ?? '') < (b.resolvedAt ?? '') ? 1 : -1))
  return (
    <>
      {open.length === 0 && <Empty>No conflict is open.</Empty>}
      {open.map((conflict) => <Open key={conflict.id} conflict={conflict} />)}
      {decided.length > 0 && (
        <section aria-label="Decided conflicts">
          <h4>Decided</h4>
          <ul className="onair-rows">
            {decided.slice(0, SHOWN).map((conflict) => <Decided key={conflict.id} conflict={conflict} />)}
          </ul>
        </section>
      )}
    </>
  )
}

const said = (value: Json | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(value, null, 2))
const actor = (conflict: Conflict, name: 'localActor' | 'serverActor' | 'resolvedBy'): string => conflict[name] ?? 'somebody'

function Open({ conflict }: { readonly conflict: Conflict }): ReactNode {
  const { id, collection, document, path, base, local, server, openedAt } = conflict
  const { resolve } = useConflicts()
  const { past } = useView()
  const commands = useCommands()
  const [error, setError] = useState<string>()
  const [edited, setEdited] = useState<string>()
  const [busy, setBusy] = useState(false)
  const value = useMemo(() => parsed(edited), [edited])
  const field = useId()
  const ended = (answer: Promise<unknown>): void => {
    setBusy(true)
    answer.then(() => setError(undefined), (why: Error) => setError(why.message)).finally(() => setBusy(false))
  }
  const disabled = past !== undefined || busy
  return (
    <article className="onair-conflict" aria-label={`Conflict in ${collection}/${document}${path}`}>
      <p><Badge word="open" /> <b>{collection}/{document}{path}</b> <span className="onair-soft">since {timeOf(openedAt)}</span></p>
      <div className="onair-sides">
        <Side title="Before" who="both began here" value={base} other={server} />
        <Side title="The late edit" who={`by ${actor(conflict, 'localActor')}`} value={local} other={base} />
        <Side title="What stands" who={`by ${actor(conflict, 'serverActor')}`} value={server} other={base} />
      </div>
      {edited === undefined ? (
        <p className="onair-buttons">
          <button type="button" aria-disabled={disabled} onClick={() => !disabled && ended(resolve(id, 'local'))}>Take the late edit</button>
          <CopyCommand command={commands?.resolve(id, 'local')} of="taking the late edit" />
          <button type="button" aria-disabled={disabled} onClick={() => !disabled && ended(resolve(id, 'server'))}>Keep what stands</button>
          <CopyCommand command={commands?.resolve(id, 'server')} of="keeping what stands" />
          <button type="button" aria-disabled={disabled} onClick={() => !disabled && setEdited(said(local))}>Write another…</button>
        </p>
      ) : (
        <div className="onair-edit">
          <label htmlFor={field}>Another value, as JSON</label>
          <textarea id={field} value={edited} rows={Math.min(12, edited.split('\n').length + 1)} aria-invalid={value.error !== undefined} spellCheck={false} onChange={({ target }) => setEdited(target.value)} />
          {value.error !== undefined && <p className="onair-bad" role="alert">{value.error}</p>}
          <p className="onair-buttons">
            <button type="button" data-main="true" aria-disabled={disabled || value.error !== undefined} onClick={() => !disabled && value.value !== undefined && ended(resolve(id, 'merge', value.value))}>Take this</button>
            <button type="button" onClick={() => setEdited(undefined)}>Back</button>
            {value.value !== undefined && <CopyCommand command={commands?.resolve(id, 'merge', value.value)} of="taking this value" />}
          </p>
        </div>
      )}
      {error !== undefined && <p className="onair-bad" role="alert">{error}</p>}
    </article>
  )
}

function parsed(text: string | undefined): { readonly value?: Json; readonly error?: string } {
  if (text === undefined) return {}
  try {
    return { value: JSON.parse(text) as Json }
  } catch (error) {
    return { error: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}

interface SideProps {
  readonly title: string
  readonly who: string
  readonly value: Json | undefined
  readonly other: Json | undefined
}

/** A value, with the lines marked that the other one has not: by a bar and a sign, not by colour alone. */
function Side({ title, who, value, other }: SideProps): ReactNode {
  const lines = linesOf(said(value), said(other))
  return (
    <div role="group" aria-label={title}>
      <h4>{title} <span className="onair-soft">{who}</span></h4>
      <pre tabIndex={0} aria-label={`${title}, ${who}`}>
        {lines.map(({ text, own }, at) => (own ? <mark key={at}><i aria-label="differs: ">≠ </i>{text}{'\n'}</mark> : <span key={at}>{'  '}{text}{'\n'}</span>))}
      </pre>
    </div>
  )
}

/** The entry of the audit: what was chosen, by whom, when; the commit itself stands in the time line. */
function Decided({ conflict }: { readonly conflict: Conflict }): ReactNode {
  const { collection, document, path, resolution, resolvedAt, base, local, server } = conflict
  return (
    <li>
      <details className="onair-grow">
        <summary>
          <b>{collection}/{document}{path}</b> <span className="onair-soft">{resolution} by {actor(conflict, 'resolvedBy')}{resolvedAt !== null && `, ${timeOf(resolvedAt)}`}</span>
        </summary>
        <div className="onair-sides">
          <Side title="Before" who="" value={base} other={server} />
          <Side title="The late edit" who={`by ${actor(conflict, 'localActor')}`} value={local} other={base} />
          <Side title="What stood" who={`by ${actor(conflict, 'serverActor')}`} value={server} other={base} />
        </div>
      </details>
      <Badge word="resolved" />
    </li>
  )
}

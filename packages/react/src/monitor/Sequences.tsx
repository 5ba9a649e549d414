// What is under way, step by step, with attempts and deadlines that count down; and what was.

import type { ReactNode } from 'react'

import { Badge, Empty } from './parts.js'
import { useDocs, useNow } from './view.js'
import { away, lasting, spoken, textOf, timeOf } from './words.js'

interface Step {
  readonly name: string
  readonly status: string
  readonly attempts: number
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: string | null
  readonly timeout?: number
  readonly deadline?: string | null
  readonly retryAt?: string | null
  readonly optional?: boolean
  readonly unknown?: boolean
}
interface Sequence {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly startedBy: string
  readonly startedAt: string
  readonly endedAt: string | null
  readonly error: unknown
  readonly steps: readonly Step[]
  readonly deadline?: string | null
  readonly owed?: readonly string[]
  /** The sequence that a rollback undoes. */
  readonly of?: string
}

const SHOWN = 12

export function Sequences(): ReactNode {
  const all = useDocs<Sequence>('_sequences')
  const newest = [...all].sort((a, b) => (a.value.startedAt < b.value.startedAt ? 1 : -1)).map(({ value }) => value)
  const [first, ...rest] = [...newest.filter(({ status }) => status === 'running'), ...newest.filter(({ status }) => status !== 'running')]
  if (!first) return <Empty>Nothing was begun yet.</Empty>
  // A rollback alone would not say what failed.
  const behind = first.kind === 'rollback' ? newest.find(({ id }) => id === first.of) : undefined
  return (
    <>
      {behind && <One sequence={behind} />}
      <One sequence={first} />
      {rest.length > 0 && (
        <details className="onair-more">
          <summary>Before that</summary>
          <ul className="onair-rows">
            {rest.slice(0, SHOWN).map(({ id, kind, status, startedBy, startedAt, error }) => (
              <li key={id}>
                <span className="onair-grow"><b>{spoken(kind)}</b> <span className="onair-soft">{timeOf(startedAt)} by {startedBy}</span>
                  {textOf(error) !== undefined && <span className="onair-bad onair-line">{textOf(error)}</span>}</span>
                <Badge word={status} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function One({ sequence: { id, kind, status, startedBy, startedAt, endedAt, error, steps, deadline, owed } }: { readonly sequence: Sequence }): ReactNode {
  const now = useNow()
  const running = status === 'running'
  return (
    <article className="onair-sequence" aria-label={`Sequence ${id}`}>
      <p>
        <Badge word={status} /> <b>{spoken(kind)}</b> <span className="onair-soft">
          {timeOf(startedAt)} by {startedBy}{endedAt !== null && `, took ${lasting(Date.parse(endedAt) - Date.parse(startedAt))}`}
        </span>
        {running && deadline && <Left until={deadline} of={Date.parse(deadline) - Date.parse(startedAt)} now={now} what="the whole" />}
      </p>
      {textOf(error) !== undefined && <p className="onair-bad">{textOf(error)}</p>}
      {owed && owed.length > 0 && <p className="onair-warn">▲ owed: {owed.join(', ')}</p>}
      <ol className="onair-steps">
        {steps.map((step) => <StepRow key={step.name} step={step} now={now} />)}
      </ol>
    </article>
  )
}

function StepRow({ step: { name, status, attempts, startedAt, endedAt, error, timeout, deadline, retryAt, optional, unknown }, now }: { readonly step: Step; readonly now: number }): ReactNode {
  const took = startedAt && endedAt ? lasting(Date.parse(endedAt) - Date.parse(startedAt)) : undefined
  return (
    <li data-status={status}>
      <Badge word={status} />
      <span className="onair-grow">
        <b>{name}</b>{optional === true && <span className="onair-soft"> optional</span>}
        {attempts > 1 && <span className="onair-warn"> attempt {attempts}</span>}
        {unknown === true && <span className="onair-warn"> outcome unknown</span>}
        {error !== null && <span className="onair-bad onair-line">{error}</span>}
        {status === 'running' && retryAt && <span className="onair-warn onair-line">tries again in {away(Date.parse(retryAt) - now)}</span>}
      </span>
      {status === 'running' && deadline ? <Left until={deadline} of={timeout ?? 0} now={now} what={name} /> : <span className="onair-soft">{took}</span>}
    </li>
  )
}

/** What is left of a deadline, as words and as a bar. */
function Left({ until, of, now, what }: { readonly until: string; readonly of: number; readonly now: number; readonly what: string }): ReactNode {
  const left = Math.max(0, Date.parse(until) - now)
  return (
    <span className="onair-left">
      {of > 0 && <meter aria-label={`What is left of the deadline of ${what}`} min={0} max={of} low={of / 4} value={Math.min(left, of)} />}
      {left > 0 ? `${away(left)} left` : 'over'}
    </span>
  )
}

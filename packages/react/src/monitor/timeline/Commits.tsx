// The commits around the one that is looked at: cause, actor, what each changed. As many as a person reads, whatever the
// length of the log.

import type { Cause, Commit } from '@onair/client'
import { useEffect, useRef, type ReactNode } from 'react'

import { timeOf } from '../words.js'
import { FAMILIES, familyOf } from './families.js'
import type { Recorder } from './recorder.js'
import { useAround } from './use.js'

const [BEFORE, AFTER] = [6, 6]
/** Documents of a commit that are named. */
const NAMED = 3

interface Props {
  readonly recorder: Recorder | undefined
  readonly at: number
  readonly onChoose: (revision: number) => void
}

export function Commits({ recorder, at, onChoose }: Props): ReactNode {
  const commits = useAround(recorder, at, BEFORE, AFTER)
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const [box, row] = [list.current, list.current?.querySelector<HTMLElement>('[aria-current]')]
    if (box && row) box.scrollTop = row.offsetTop - box.clientHeight / 2
  }, [commits, at])
  return (
    <div ref={list} className="onair-scroll onair-commits" role="group" aria-label="Commits around it" tabIndex={0}>
      <ol>
        {commits.map((commit) => {
          const family = FAMILIES[familyOf(commit.cause.kind)] ?? 'system'
          return (
            <li key={commit.revision}>
              <button type="button" aria-current={commit.revision === at ? 'true' : undefined} data-family={family} onClick={() => onChoose(commit.revision)}>
                <span className="onair-number">#{commit.revision}</span>
                <span>{timeOf(commit.at)}</span>
                <b>{commit.cause.kind}</b>
                <span className="onair-grow">{details(commit.cause)} <span className="onair-soft">{changes(commit)}</span></span>
                <span className="onair-soft">{commit.actor}</span>
              </button>
            </li>
          )
        })}
      </ol>
    </div>
  )
}

function details({ kind: _, ...more }: Cause): string {
  return Object.entries(more).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ')
}

function changes({ changes: all }: Commit): string {
  const named = all.slice(0, NAMED).map(({ op, collection, id }) => `${op} ${collection}/${id}`)
  return [...named, ...(all.length > NAMED ? [`and ${all.length - NAMED} more`] : [])].join(', ')
}

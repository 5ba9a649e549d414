// The moves of the show, the newest first (row L10).

import { useMemo, type ReactNode } from 'react'

import type { Transition } from '../state.js'
import { Empty, Scroll } from './parts.js'
import { useDocs } from './view.js'
import { lasting, phaseShown, spoken, timeOf } from './words.js'

const SHOWN = 50

export function History(): ReactNode {
  const moves = useDocs<Transition>('_transitions')
  const newest = useMemo(() => [...moves].sort((a, b) => Number(b.id) - Number(a.id)).slice(0, SHOWN), [moves])
  if (newest.length === 0) return <Empty>It has not moved yet.</Empty>
  return (
    <Scroll label="Moves, newest first">
      <table className="onair-table">
        <thead><tr><th scope="col">When</th><th scope="col">Move</th><th scope="col">Why</th><th scope="col">Who</th><th scope="col">Before</th></tr></thead>
        <tbody>
          {newest.map(({ id, value: { at, from, to, reason, actor, lasted } }) => (
            <tr key={id}>
              <td>{timeOf(at)}</td>
              <td>{from} → <b data-tone={phaseShown(to)[1]} className="onair-tone">{to}</b></td>
              <td>{spoken(reason)}</td>
              <td>{actor}</td>
              <td className="onair-number">{lasting(lasted)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

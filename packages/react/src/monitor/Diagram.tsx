// The state diagram, drawn as the show is: where it stands, what may follow, and a pulse along the last move (row M1).

import type { Phase } from '@onair/client'
import { useId, useMemo, type ReactNode } from 'react'

import { phaseShown } from './words.js'
import { useDocs, useNow, useShow } from './view.js'
import type { Transition } from '../state.js'

const PLACES: Readonly<Record<Phase, readonly [x: number, y: number]>> = {
  idle: [66, 48], initializing: [220, 48], ready: [374, 48], starting: [374, 138], live: [220, 138], stopping: [66, 138], error: [220, 226],
}
/** The table of moves (row L1). */
export const MOVES: Readonly<Record<Phase, readonly Phase[]>> = {
  idle: ['initializing', 'error'], initializing: ['ready', 'error'], ready: ['starting', 'idle', 'error'], starting: ['live', 'error'],
  live: ['stopping', 'error'], stopping: ['idle', 'error'], error: ['idle', 'initializing'],
}
const [WIDTH, HEIGHT] = [118, 40]
/** For so long a move counts as the last one that is worth a pulse. */
const PULSE_MS = 4_000

/** From the edge of one box to the edge of the other; what would lie on another line bends. */
function path(from: Phase, to: Phase): string {
  const [[x1, y1], [x2, y2]] = [PLACES[from], PLACES[to]]
  if (from === 'ready' && to === 'idle') return `M${x1},${y1 - HEIGHT / 2} C${x1 - 40},4 ${x2 + 40},4 ${x2},${y2 - HEIGHT / 2 - 2}`
  const vertical = x1 === x2
  if (to === 'error') {
    if (from === 'initializing') return `M${x1 - 24},${y1 + 20} C${x1 - 60},${y1 + 70} ${x1 - 100},${y2 - 60} ${x2 - 44},${y2 - 21}`
    if (y1 === 138) return vertical ? `M${x1},${y1 + 20} L${x2},${y2 - 22}` : `M${x1},${y1 + 20} Q${x1},${y2} ${x2 + Math.sign(x1 - x2) * 64},${y2 - 4}`
    return `M${x1 + Math.sign(x1 - x2) * 40},${y1 + 20} C${x1 + Math.sign(x1 - x2) * 76},${y1 + 120} ${x1 + Math.sign(x1 - x2) * 60},${y2 + 6} ${x2 + Math.sign(x1 - x2) * 64},${y2 + 6}`
  }
  if (from === 'error') {
    if (to === 'idle') return `M${x1 - 62},${y1 + 14} C-14,${y1 + 20} -8,${y2 + 40} ${x2 - 63},${y2 + 8}`
    return `M${x1 + 44},${y1 - 20} C${x1 + 100},${y1 - 60} ${x2 + 60},${y2 + 70} ${x2 + 24},${y2 + 22}`
  }
  if (vertical) return `M${x1},${y1 + 20} L${x2},${y2 - 22}`.replace(/^(.*)$/, y2 > y1 ? '$1' : `M${x1},${y1 - 20} L${x2},${y2 + 22}`)
  const side = Math.sign(x2 - x1)
  return `M${x1 + (side * WIDTH) / 2},${y1} L${x2 - side * (WIDTH / 2 + 2)},${y2}`
}

export function Diagram(): ReactNode {
  const { show, word } = useShow()
  const moves = useDocs<Transition>('_transitions')
  const now = useNow()
  const id = useId()
  const last = useMemo(() => moves.reduce<(typeof moves)[number] | undefined>((a, b) => (!a || Number(b.id) > Number(a.id) ? b : a), undefined), [moves])
  const phase = show?.phase
  const edges = useMemo(() => (Object.entries(MOVES) as [Phase, readonly Phase[]][]).flatMap(([from, tos]) => tos.map((to) => ({ from, to, d: path(from, to) }))), [])
  const next = phase ? MOVES[phase] : []
  const fresh = last !== undefined && now - Date.parse(last.value.at) < PULSE_MS
  const said = phase ? `Phase ${word}. From here: ${next.join(', ')}.${last ? ` Last move: ${last.value.from} to ${last.value.to}.` : ''}` : 'The phase is not known yet.'
  return (
    <svg className="onair-diagram" viewBox="-8 0 456 250" role="img" aria-label={said}>
      <defs>
        {(['far', 'may', 'last'] as const).map((kind) => (
          <marker key={kind} id={`${id}-${kind}`} className={`onair-arrow-${kind}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto-start-reverse">
            <path d="M0,0 L8,4 L0,8 z" />
          </marker>
        ))}
      </defs>
      {edges.map(({ from, to, d }) => {
        const isLast = last?.value.from === from && last.value.to === to
        const kind = isLast ? 'last' : from === phase ? 'may' : 'far'
        return <path key={`${from} ${to}`} d={d} className="onair-edge" data-kind={kind} markerEnd={`url(#${id}-${kind})`} />
      })}
      {last && fresh && <path key={last.id} className="onair-pulse" d={path(last.value.from, last.value.to)} />}
      {(Object.entries(PLACES) as [Phase, readonly [number, number]][]).map(([name, [x, y]]) => {
        const here = name === phase
        const [shape, tone] = phaseShown(here ? word : name)
        return (
          <g key={name} className="onair-node" data-here={here} data-may={next.includes(name)} data-tone={tone}>
            <rect x={x - WIDTH / 2} y={y - HEIGHT / 2} width={WIDTH} height={HEIGHT} rx="9" />
            <text x={x} y={y + 5} textAnchor="middle">{`${shape} ${here ? word : name}`}</text>
          </g>
        )
      })}
    </svg>
  )
}

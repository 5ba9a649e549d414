// The figures that change fast, as small charts: frames, render time, commits, lag.

import type { ReactNode } from 'react'

import { useStreamState } from '../stream.js'
import { Empty } from './parts.js'
import { SAMPLES, useSamples } from './samples.js'
import { useDoc, useMonitorClient, useView } from './view.js'

const [WIDTH, HEIGHT] = [240, 36]

export function Signals(): ReactNode {
  const { past } = useView()
  return past ? <Then /> : <Now />
}

function Now(): ReactNode {
  const samples = useSamples(useMonitorClient())
  const { fps, targetFPS, averageRenderTime, frameCount, droppedFrames } = useStreamState()
  return (
    <>
      <div className="onair-charts">
        <Chart name="Frames" value={`${fps.toFixed(1)} / s`} samples={samples.fps} least={targetFPS || 60} />
        <Chart name="Render time" value={`${averageRenderTime.toFixed(1)} ms`} samples={samples.averageRenderTime} least={16} />
        <Chart name="Commits" value={`${samples.commits.at(-1) ?? 0} / s`} samples={samples.commits} least={5} />
        <Chart name="Lag of this page" value={`${samples.lag.at(-1) ?? 0}`} samples={samples.lag} least={5} />
      </div>
      <p className="onair-soft">{frameCount.toLocaleString('en')} frames, {droppedFrames.toLocaleString('en')} dropped, target {targetFPS} / s</p>
    </>
  )
}

/** The figures as they were last written into the log. */
function Then(): ReactNode {
  const stream = useDoc<Readonly<Record<string, number>>>('_system', 'stream')
  if (!stream) return <Empty>No figures were written down until then.</Empty>
  return <p className="onair-soft">{Object.entries(stream).map(([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value * 10) / 10 : '–'}`).join(', ')}</p>
}

interface ChartProps {
  readonly name: string
  readonly value: string
  readonly samples: readonly number[]
  /** The top of the chart at least: a quiet line stays low. */
  readonly least: number
}

function Chart({ name, value, samples, least }: ChartProps): ReactNode {
  const top = Math.max(least, ...samples) * 1.1
  const at = (sample: number, place: number): string => `${((SAMPLES - samples.length + place) / (SAMPLES - 1)) * WIDTH},${HEIGHT - 1 - (sample / top) * (HEIGHT - 2)}`
  return (
    <figure className="onair-chart">
      <figcaption><span>{name}</span> <b>{value}</b></figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${name} over the last two minutes, now ${value}`}>
        <polyline points={samples.map(at).join(' ')} />
      </svg>
    </figure>
  )
}

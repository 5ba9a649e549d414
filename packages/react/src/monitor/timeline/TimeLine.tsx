// The time line, as a flight recorder has it: every commit on one axis, scrubbed, played back, compared, taken along.

import { useEffect, useId, useRef, useState, type PointerEvent, type ReactNode } from 'react'

import { CopyCommand, useCommands } from '../Copy.js'
import { useMonitorClient } from '../view.js'
import { plural, timeOf } from '../words.js'
import { Commits } from './Commits.js'
import { Compare } from './Compare.js'
import { FAMILIES } from './families.js'
import { draw, HEIGHT, revisionAt, zoomed, type Stretch } from './strip.js'
import { useVersion, type TimeLineState } from './use.js'

const SPEEDS = [1, 4, 16, 64] as const

export function TimeLine({ line }: { readonly line: TimeLineState }): ReactNode {
  const { recorder, cursor, past, loading, error, playing, speed, goTo, play, setSpeed, pause } = line
  const version = useVersion(recorder)
  const [zoom, setZoom] = useState<Stretch>()
  const [pinned, setPinned] = useState<number>()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const slider = useId()
  const oldest = recorder?.oldest ?? 1
  const newest = recorder?.newest ?? 1
  const at = cursor ?? newest
  const { from, to } = zoom ?? { from: oldest, to: newest }

  useEffect(() => {
    const element = canvas.current
    if (!element) return undefined
    const watched = new ResizeObserver(() => setWidth(element.clientWidth))
    watched.observe(element)
    return () => watched.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current && recorder) draw(canvas.current, recorder, { from, to }, { cursor: at, pinned })
  }, [recorder, version, from, to, at, pinned, width])
  useEffect(() => {
    void recorder?.fill(from, to)
  }, [recorder, from, to])

  const point = ({ currentTarget, clientX, buttons, type }: PointerEvent<HTMLCanvasElement>): void => {
    if (type === 'pointermove' && buttons === 0) return
    if (type === 'pointerdown') pause()
    const { left, width: shown } = currentTarget.getBoundingClientRect()
    goTo(revisionAt(clientX - left, shown, { from, to }))
  }
  const step = (by: number): void => {
    pause()
    goTo(at + by)
  }
  const moment = recorder?.entry(at)
  const said = `revision ${at} of ${newest}${moment ? `, ${timeOf(moment.at)}` : ''}`
  return (
    <section className="onair-timeline" aria-label="Time line">
      <p className="onair-then">
        <b>{past ? `As it was at revision ${past.revision}, ${timeOf(past.at)}` : `Now, revision ${newest}`}</b>
        {loading && <span className="onair-soft">reading…</span>}
        {cursor !== undefined && <button type="button" onClick={() => goTo(undefined)}>Back to now</button>}
      </p>
      <div className="onair-strip">
        <ul aria-hidden="true">{FAMILIES.map((name) => <li key={name} data-family={name}>{name}</li>)}</ul>
        <canvas ref={canvas} style={{ height: HEIGHT }} aria-hidden="true" onPointerDown={point} onPointerMove={point} />
      </div>
      <label className="onair-away" htmlFor={slider}>Revision</label>
      <input id={slider} type="range" min={from} max={Math.max(from, to)} value={Math.min(to, Math.max(from, at))} aria-valuetext={said} onChange={({ target }) => goTo(Number(target.value))} />
      <div className="onair-buttons">
        <button type="button" onClick={() => step(-1)} aria-label="One commit back">‹</button>
        <button type="button" onClick={() => (playing ? pause() : play())} aria-pressed={playing}>{playing ? '❚❚ Hold' : '▶ Play'}</button>
        <button type="button" onClick={() => step(1)} aria-label="One commit on">›</button>
        <label>Speed <select value={speed} onChange={({ target }) => setSpeed(Number(target.value))}>{SPEEDS.map((each) => <option key={each} value={each}>{each}×</option>)}</select></label>
        <label>Revision <input type="number" min={oldest} max={newest} value={at} onChange={({ target }) => target.value !== '' && goTo(Number(target.value))} /></label>
        <span className="onair-grow" />
        <button type="button" onClick={() => setZoom(zoomed({ from, to }, at, 0.25, oldest, newest))} disabled={to - from < 10}>Zoom in</button>
        <button type="button" onClick={() => setZoom(undefined)} disabled={!zoom}>All</button>
        {pinned === undefined
          ? <button type="button" onClick={() => setPinned(at)}>Compare from here</button>
          : <button type="button" onClick={() => setPinned(undefined)}>Stop comparing</button>}
        <Export />
      </div>
      {(error ?? recorder?.error) !== undefined && <p className="onair-bad" role="alert">{error ?? recorder?.error}</p>}
      {pinned !== undefined && recorder && <Compare recorder={recorder} from={Math.min(pinned, at)} to={Math.max(pinned, at)} />}
      <Commits recorder={recorder} at={at} onChoose={goTo} />
      <p className="onair-away" role="status">{past ? `Shown as it was at revision ${past.revision}` : ''}</p>
    </section>
  )
}

/** The whole log as one file, which `onair replay FILE` walks through. */
function Export(): ReactNode {
  const client = useMonitorClient()
  const commands = useCommands()
  const [said, setSaid] = useState<string>()
  const save = async (): Promise<void> => {
    if (!client) return
    setSaid('reading…')
    try {
      const answer = await client.http.ask('export', { timeout: 0 })
      const blob = await answer.blob()
      const link = document.createElement('a')
      link.href = URL.createObjectURL(blob)
      link.download = `${client.http.production}.ndjson`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
      setSaid(`saved; open it by: onair replay ${client.http.production}.ndjson (${plural(Math.round(blob.size / 1024), 'kB', 'kB')})`)
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <>
      <button type="button" onClick={() => void save()}>Export</button>
      <CopyCommand command={commands?.download()} of="export" />
      <span className="onair-soft" role="status">{said}</span>
    </>
  )
}

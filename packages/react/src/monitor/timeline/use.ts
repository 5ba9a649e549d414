// The time line as a component holds it: the recorder, where it is looked at, and what was there.

import type { Client, Commit } from '@onair/client'
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'

import type { Past } from '../view.js'
import { Recorder } from './recorder.js'

export interface TimeLineState {
  readonly recorder: Recorder | undefined
  /** The revision that is looked at; nothing: now. */
  readonly cursor: number | undefined
  /** What was there, or what was shown before while it is read. */
  readonly past: Past | undefined
  readonly loading: boolean
  readonly error: string | undefined
  readonly playing: boolean
  readonly speed: number
  goTo(revision: number | undefined): void
  play(): void
  setSpeed(speed: number): void
  pause(): void
}

/** The longest wait between two commits when they are played back, and the shortest; milliseconds. */
const WAIT_MAX = 2_000
const WAIT_MIN = 40

/** Reads nothing until it is open. */
export function useTimeLine(client: Client | undefined, open: boolean): TimeLineState {
  const [recorder, setRecorder] = useState<Recorder>()
  const [cursor, setCursor] = useState<number>()
  const [past, setPast] = useState<Past>()
  const [error, setError] = useState<string>()
  const [speed, setSpeed] = useState(4)
  const [playing, setPlaying] = useState(false)
  useEffect(() => {
    if (!client || !open) return undefined
    const made = new Recorder(client)
    setRecorder(made)
    void made.open()
    return () => {
      made.close()
      setRecorder(undefined)
      setCursor(undefined)
      setPast(undefined)
      setPlaying(false)
    }
  }, [client, open])

  const wanted = useRef<number>(undefined)
  const reading = useRef(false)
  /** One read at a time: while somebody scrubs, what he has passed already is not read any more. */
  const read = useCallback(async (from: Recorder): Promise<void> => {
    if (reading.current) return
    reading.current = true
    for (let done: number | undefined; wanted.current !== undefined && wanted.current !== done; ) {
      done = wanted.current
      try {
        const was = await from.stateAt(done)
        if (wanted.current !== undefined) setPast(was)
        setError(undefined)
      } catch (why) {
        if (wanted.current === done) setError(why instanceof Error ? why.message : String(why))
      }
    }
    reading.current = false
  }, [])
  const goTo = useCallback((revision: number | undefined): void => {
    if (!recorder) return
    const within = revision === undefined ? undefined : Math.min(recorder.newest, Math.max(recorder.oldest, Math.round(revision)))
    wanted.current = within
    setCursor(within)
    setError(undefined)
    if (within === undefined) {
      setPast(undefined)
      setPlaying(false)
    } else {
      void read(recorder)
    }
  }, [recorder, read])

  useEffect(() => {
    if (!playing || !recorder || cursor === undefined || past?.revision !== cursor) return undefined
    if (cursor >= recorder.newest) {
      setPlaying(false)
      return undefined
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    let here = true
    void next(recorder, cursor, speed).then(([revision, wait]) => {
      if (here) timer = setTimeout(() => goTo(revision), wait)
    }, () => setPlaying(false))
    return () => {
      here = false
      clearTimeout(timer)
    }
  }, [playing, recorder, cursor, past, speed, goTo])

  const play = useCallback((): void => {
    if (!recorder) return
    if (wanted.current === undefined || wanted.current >= recorder.newest) goTo(recorder.oldest)
    setPlaying(true)
  }, [recorder, goTo])
  const pause = useCallback(() => setPlaying(false), [])
  const loading = cursor !== undefined && past?.revision !== cursor
  return useMemo(
    () => ({ recorder, cursor, past, loading, error, playing, speed, goTo, play, setSpeed, pause }),
    [recorder, cursor, past, loading, error, playing, speed, goTo, play, pause],
  )
}

/** The revision to show next and how long to wait for it: what is closer than the eye sees is shown at once. */
async function next(recorder: Recorder, cursor: number, speed: number): Promise<readonly [revision: number, wait: number]> {
  const commits = await recorder.around(cursor, 0, 200)
  const begun = Date.parse(commits[0]?.at ?? '')
  let [revision, wait] = [cursor + 1, WAIT_MIN]
  for (const commit of commits.slice(1)) {
    revision = commit.revision
    wait = (Date.parse(commit.at) - begun) / speed
    if (!(wait < WAIT_MIN)) break
  }
  return [revision, Math.min(WAIT_MAX, Math.max(WAIT_MIN, wait))]
}

/** What the recorder knows, anew when it knows more. */
export function useVersion(recorder: Recorder | undefined): number {
  const subscribe = useCallback((listener: () => void) => recorder?.subscribe(listener) ?? (() => {}), [recorder])
  return useSyncExternalStore(subscribe, () => recorder?.version ?? 0, () => 0)
}

/** The commits around a revision; those before stay until they are there. */
export function useAround(recorder: Recorder | undefined, revision: number, before: number, after: number): readonly Commit[] {
  const [commits, setCommits] = useState<readonly Commit[]>([])
  const version = useVersion(recorder)
  const newest = recorder?.newest
  useEffect(() => {
    let here = true
    recorder?.around(revision, before, after).then((read) => here && setCommits(read), () => {})
    return () => {
      here = false
    }
    // `version` counts also what is far away; only the end of the log moves what is around.
  }, [recorder, revision, before, after, newest])
  void version
  return commits
}

// The preview picture, where there is one: fetched as any answer is, so that it needs no ticket.

import { useEffect, useState, type ReactNode } from 'react'

import { usePreview } from '../preview.js'
import { Empty } from './parts.js'
import { useMonitorClient, useView } from './view.js'

const EVERY_MS = 1_000
/** A picture that did not come is asked for less often. */
const AGAIN_MS = 10_000

export function Picture(): ReactNode {
  const preview = usePreview()
  const { past } = useView()
  const client = useMonitorClient()
  const [picture, setPicture] = useState<string>()
  const there = preview.status === 'available' && !past
  useEffect(() => {
    if (!there || !client) return undefined
    const stopped = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let shown: string | undefined
    const show = (next: string | undefined): void => {
      if (shown !== undefined) URL.revokeObjectURL(shown)
      shown = next
      setPicture(next)
    }
    const load = async (): Promise<void> => {
      const answer = await client.http.ask(`/preview.jpg?production=${client.http.production}`, { signal: stopped.signal }).catch(() => undefined)
      const blob = await answer?.blob().catch(() => undefined)
      if (stopped.signal.aborted) return
      if (blob?.type.startsWith('image/')) show(URL.createObjectURL(blob))
      timer = setTimeout(() => void load(), blob ? EVERY_MS : AGAIN_MS)
    }
    void load()
    return () => {
      stopped.abort()
      clearTimeout(timer)
      show(undefined)
    }
  }, [there, client])
  if (past) return <Empty>Pictures are not in the log.</Empty>
  if (preview.status === 'checking') return <Empty>Asking…</Empty>
  if (preview.status === 'unavailable') return <Empty>{preview.reason}</Empty>
  return picture === undefined ? <Empty>Waiting for a picture…</Empty> : <img className="onair-picture" src={picture} alt="What is on the air" />
}

// Figures over the last two minutes, a sample each second: as much as a chart shows, and never more.

import type { Client } from '@onair/client'
import { useEffect, useState } from 'react'

/** Samples that are kept. */
export const SAMPLES = 120
export type Figure = 'fps' | 'averageRenderTime' | 'commits' | 'lag'
export type Samples = Readonly<Record<Figure, readonly number[]>>

const EMPTY: Samples = { fps: [], averageRenderTime: [], commits: [], lag: [] }

function revisionOf(client: Client): number {
  return Number(client.position.split(':')[1])
}

/** The samples of the client, while somebody looks. */
export function useSamples(client: Client | undefined): Samples {
  const [samples, setSamples] = useState(EMPTY)
  useEffect(() => {
    if (!client) return undefined
    let [before, fps, averageRenderTime] = [revisionOf(client), Number.NaN, Number.NaN]
    const end = client.onSignal((stream) => {
      fps = stream.fps ?? fps
      averageRenderTime = stream.averageRenderTime ?? averageRenderTime
    })
    const timer = setInterval(() => {
      const revision = revisionOf(client)
      const now = { fps, averageRenderTime, commits: Math.max(0, revision - before), lag: client.connection.lag }
      before = revision
      setSamples((all) => ({
        fps: added(all.fps, now.fps), averageRenderTime: added(all.averageRenderTime, now.averageRenderTime),
        commits: added(all.commits, now.commits), lag: added(all.lag, now.lag),
      }))
    }, 1_000)
    return () => {
      end()
      clearInterval(timer)
    }
  }, [client])
  return samples
}

function added(all: readonly number[], value: number): readonly number[] {
  return Number.isNaN(value) ? all : [...all.slice(1 - SAMPLES), value]
}

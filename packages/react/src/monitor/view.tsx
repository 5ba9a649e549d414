// What the panels look at: the production as it is, or as it was at a revision. They read through this and nothing else,
// so that scrubbing shows every panel as it was.

import type { Client, Document, Documents, Json, Lifecycle } from '@onair/client'
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react'

import { useCollection } from '../documents.js'
import { useOnair } from '../provider.js'

/** The production at an earlier revision. */
export interface Past {
  readonly revision: number
  readonly at: string
  readonly documents: Documents
}

export interface View {
  /** Nothing while the present is shown. */
  readonly past: Past | undefined
  /** Whether commands to copy say who asks. */
  readonly authorized: boolean
  /** The elements that are opened by keys and links know each other by it. */
  readonly scope: string
}

export const ViewContext = createContext<View>({ past: undefined, authorized: false, scope: 'onair' })

export function useView(): View {
  return useContext(ViewContext)
}

const LISTS = new WeakMap<object, readonly Document[]>()
const NONE: readonly Document[] = []

function listed(entries: Documents[string] | undefined): readonly Document[] {
  if (!entries) return NONE
  const known = LISTS.get(entries)
  if (known) return known
  const made = Object.entries(entries).map(([id, entry]) => ({ id, ...entry, pending: false }))
  made.sort((a, b) => (a.id < b.id ? -1 : 1))
  LISTS.set(entries, made)
  return made
}

/** The documents of a collection by id, now or then. */
export function useDocs<T = Json>(collection: string): readonly Document<T>[] {
  const { past } = useView()
  const live = useCollection<T>(collection)
  return past ? (listed(past.documents[collection]) as readonly Document<T>[]) : live
}

export function useDoc<T = Json>(collection: string, id: string): T | undefined {
  const all = useDocs<T>(collection)
  return useMemo(() => all.find((one) => one.id === id)?.value, [all, id])
}

export interface Show extends Lifecycle {
  readonly liveSince?: string
  readonly recovery?: { readonly attempts: number; readonly nextAt: string | null; readonly gaveUp: boolean }
}

/** The lifecycle, and the phase as one word: `paused` is `live` with a flag. */
export function useShow(): { readonly show: Show | undefined; readonly word: string } {
  const show = useDoc<Show>('_system', 'lifecycle')
  return { show, word: show ? (show.phase === 'live' && show.paused ? 'paused' : show.phase) : 'unknown' }
}

export function useMonitorClient(): Client | undefined {
  return useOnair().source?.client
}

// ---- one clock for all that counts

let seconds = Math.floor(Date.now() / 1_000)
const waiting = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function ticking(listener: () => void): () => void {
  waiting.add(listener)
  timer ??= setInterval(() => {
    seconds = Math.floor(Date.now() / 1_000)
    for (const each of [...waiting]) each()
  }, 1_000)
  return () => {
    waiting.delete(listener)
    if (waiting.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Milliseconds since 1970, anew each second; in the past the moment that is shown. */
export function useNow(): number {
  const { past } = useView()
  const now = useSyncExternalStore(ticking, () => seconds, () => seconds) * 1_000
  return past ? Date.parse(past.at) : now
}

// Which session this desk starts with: this desk's business, so it is no document.

import { useSyncExternalStore } from 'react'

let chosen: string | undefined
const listeners = new Set<() => void>()

function choose(session: string): void {
  chosen = session
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useChosen(): [string | undefined, (session: string) => void] {
  return [useSyncExternalStore(subscribe, () => chosen), choose]
}

// From a store to a component: rendered anew only when what it selected differs.

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'

/** Whether both count as the same, so that nothing is rendered anew. */
export type Equality<T> = (a: T, b: T) => boolean

/** Something that can be read and listened to. */
export interface Store<S> {
  subscribe(listener: () => void): () => void
  get(): S
  /** What a server renders, and a page until it is hydrated. */
  getServer(): S
}

/** Whether both are the same, or arrays or objects of the same members. */
export function shallow<T>(a: T, b: T): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [Object.entries(a), b as Readonly<Record<string, unknown>>]
  return left.length === Object.keys(b).length && left.every(([name, value]) => Object.hasOwn(b, name) && Object.is(value, right[name]))
}

/** What `select` makes of the store's state; the same object as long as `equal` says so. */
export function useSelected<S, T>(store: Store<S>, select: (state: S) => T, equal: Equality<T> = shallow): T {
  const shown = useRef<{ readonly value: T } | undefined>(undefined)
  const [get, getServer] = useMemo(() => {
    let last: { readonly state: S; readonly value: T } | undefined
    const selected = (state: S): T => {
      if (last && Object.is(last.state, state)) return last.value
      const value = select(state)
      // A selector written in place is another one with each render, and what it selects need not be.
      const before = last ?? shown.current
      last = { state, value: before && equal(before.value, value) ? before.value : value }
      return last.value
    }
    return [() => selected(store.get()), () => selected(store.getServer())]
  }, [store, select, equal])
  const value = useSyncExternalStore(store.subscribe, get, getServer)
  useEffect(() => {
    shown.current = { value }
  }, [value])
  return value
}

export function identity<T>(value: T): T {
  return value
}

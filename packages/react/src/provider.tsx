// The client of a part of the page: given, or made when the page is there and closed when it goes. A server that
// renders makes none.

import { connect, type Client, type ClientOptions, type Documents } from '@onair/client'
import { createContext, createElement, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'

import { sourceOf, type Source } from './source.js'

/** What hooks find. */
export interface Onair {
  readonly source: Source | undefined
  /** What a server knew when it rendered. */
  readonly initial: Documents
}

/** A client that is there, or the options of one to be made. */
export type OnairProviderProps = {
  readonly children?: ReactNode
  /** The documents a server rendered with, and a page begins with until it is in step. */
  readonly initial?: Documents
} & (
  | { readonly client: Client; readonly options?: never }
  /** Read once: another server or production is another `key`. */
  | { readonly options: ClientOptions; readonly client?: never }
)

const NOTHING: Documents = {}
const Context = createContext<Onair | undefined>(undefined)

/** Gives the hooks below it their client: `client`, or one made with `options` and closed with the provider. */
export function OnairProvider({ children, client, options, initial = NOTHING }: OnairProviderProps): ReactNode {
  const [made, setMade] = useState<Client>()
  const [first] = useState(options)
  useEffect(() => {
    if (client || !first) return undefined
    const own = connect(first)
    setMade(own)
    return () => {
      setMade(undefined)
      own.close()
    }
  }, [client, first])
  const used = client ?? made
  const onair = useMemo(() => ({ source: used && sourceOf(used), initial }), [used, initial])
  return createElement(Context.Provider, { value: onair }, children)
}

export function useOnair(): Onair {
  const onair = useContext(Context)
  if (!onair) throw new Error('there is no OnairProvider around this component')
  return onair
}

/** The client; `undefined` on a server, and until a provider that makes its own has done so. */
export function useClient(): Client | undefined {
  return useOnair().source?.client
}

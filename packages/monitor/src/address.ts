// Which production is looked at, as the address says: `#main` or `?production=main`; nothing: all of them.

import { useSyncExternalStore } from 'react'

function read(): string | undefined {
  const name = decodeURIComponent(location.hash.slice(1)) || new URLSearchParams(location.search).get('production')
  return name && /^[A-Za-z0-9._~-]{1,128}$/.test(name) ? name : undefined
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

export function useProduction(): string | undefined {
  return useSyncExternalStore(subscribe, read)
}

// Two edits of the same thing: somebody chooses.

import { useConflicts } from '@onair/react'
import { useState, type ReactNode } from 'react'

export function Conflicts(): ReactNode {
  const { conflicts, resolve } = useConflicts()
  const [error, setError] = useState<string>()
  const conflict = conflicts[0]
  if (!conflict) return null
  const { id, collection, document, path, local, server } = conflict
  const choose = (which: 'local' | 'server'): void => {
    resolve(id, which).then(() => setError(undefined), (why: Error) => setError(why.message))
  }
  return (
    <aside className="conflict" role="alertdialog" aria-label="Conflict">
      <p>
        <b>{collection}/{document}{path}</b> was changed twice{conflicts.length > 1 && `; ${conflicts.length - 1} more wait`}.
        {error !== undefined && <span className="bad"> {error}</span>}
      </p>
      <button type="button" onClick={() => choose('server')}>Keep <code>{JSON.stringify(server)}</code></button>
      <button type="button" onClick={() => choose('local')}>Take <code>{JSON.stringify(local)}</code></button>
    </aside>
  )
}

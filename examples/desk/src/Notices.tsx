// What happened, for a few seconds. The phase is not among it: that stands at the top.

import { useNotifications } from '@onair/react'
import type { ReactNode } from 'react'

const OPTIONS = { kinds: { status: { enabled: false } } } as const

export function Notices(): ReactNode {
  const { notices, close } = useNotifications(OPTIONS)
  return (
    <ol className="notices" aria-live="polite" aria-label="Notifications">
      {notices.slice(-4).map(({ id, kind, title, text }) => (
        <li key={id} data-kind={kind}>
          <span><b>{title}</b> {text}</span>
          <button type="button" className="small" aria-label="Close" onClick={() => close(id)}>×</button>
        </li>
      ))}
    </ol>
  )
}

// What happened, for a few seconds.

import { useNotifications } from '@onair/react'
import type { ReactNode } from 'react'

export function Notices(): ReactNode {
  const { notices, close } = useNotifications()
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

// The monitor inside somebody's page (row M4): a toggle in a corner or in the text, and the same panels behind it.

import { useEffect, useId, useState, type ReactNode } from 'react'

import { Monitor, type MonitorProps } from './Monitor.js'
import { Badge } from './parts.js'
import { useStyle } from './style.js'
import { useAlerts } from './Alerts.js'
import { useMonitorClient, useShow } from './view.js'
import { phaseShown } from './words.js'

export type MonitorPosition = 'inline' | 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right'

export interface StateMonitorProps extends Omit<MonitorProps, 'aside'> {
  /** Where it stands: in the text, or over the page in a corner. */
  readonly position?: MonitorPosition
  /** Whether it can be closed; otherwise it is always open. */
  readonly collapsible?: boolean
  /** Whether it begins open. */
  readonly defaultOpen?: boolean
  /** Open or not, as the page says; with `onOpenChange` the page decides. */
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
  /** A key that opens and closes it, `F8` say. */
  readonly toggleKey?: string
}

export function StateMonitor({
  position = 'bottom-right', collapsible = true, defaultOpen = false, open: said, onOpenChange, toggleKey, compact = true, theme = 'auto', ...monitor
}: StateMonitorProps): ReactNode {
  useStyle()
  const [own, setOwn] = useState(defaultOpen)
  const id = useId()
  const open = !collapsible || (said ?? own)
  const toggle = (): void => {
    setOwn(!open)
    onOpenChange?.(!open)
  }
  useEffect(() => {
    if (toggleKey === undefined || !collapsible) return undefined
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== toggleKey || event.repeat) return
      event.preventDefault()
      toggle()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  })
  return (
    <aside className="onair-dock" data-position={position} data-open={open} data-compact={compact} data-theme={theme} aria-label="Monitor of the show">
      {collapsible && <Toggle open={open} onToggle={toggle} controls={id} />}
      <div id={id} className="onair-dock-panel" hidden={!open}>
        {/* What nobody looks at asks nothing. */}
        {open && <Monitor compact={compact} theme={theme} {...monitor} />}
      </div>
    </aside>
  )
}

/** Says how the show is, also while it is closed. */
function Toggle({ open, onToggle, controls }: { readonly open: boolean; readonly onToggle: () => void; readonly controls: string }): ReactNode {
  const { word } = useShow()
  const alerts = useAlerts().length
  const name = useMonitorClient()?.http.production ?? 'show'
  return (
    <button type="button" className="onair-toggle" aria-expanded={open} aria-controls={controls} onClick={onToggle}>
      <Badge word={word} shown={phaseShown(word)} /> {name} {alerts > 0 && <b className="onair-warn">▲ {alerts}</b>} <i aria-hidden="true">{open ? '▾' : '▴'}</i>
    </button>
  )
}

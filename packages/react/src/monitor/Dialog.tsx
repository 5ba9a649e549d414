// A question that must be answered first: the platform's own dialog, which keeps the focus and gives it back.

import { useEffect, useId, useRef, type ReactNode } from 'react'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** Whether it warns. */
  readonly grave?: boolean
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children, grave = false }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const element = dialog.current
    if (element && !element.open) element.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog ref={dialog} className="onair-dialog" data-grave={grave} role={grave ? 'alertdialog' : undefined} aria-labelledby={heading} onCancel={onClose}>
      <h3 id={heading}>{title}</h3>
      {children}
    </dialog>
  )
}

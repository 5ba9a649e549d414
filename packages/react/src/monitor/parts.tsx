// The small parts that all panels are made of: a panel, a state in word, shape and colour, what is empty.

import type { ReactNode } from 'react'

import { ErrorBoundary } from '../boundary.js'
import { spoken, statusShown, type Shown } from './words.js'

interface PanelProps {
  readonly title: string
  readonly children: ReactNode
  /** Beside the title. */
  readonly aside?: ReactNode
  readonly className?: string
}

/** A part that breaks leaves the others alone. */
export function Panel({ title, children, aside, className = '' }: PanelProps): ReactNode {
  return (
    <section className={`onair-panel ${className}`} aria-label={title}>
      <header><h3>{title}</h3>{aside}</header>
      <ErrorBoundary>{children}</ErrorBoundary>
    </section>
  )
}

export function Badge({ word, shown }: { readonly word: string; readonly shown?: Shown }): ReactNode {
  const [shape, tone] = shown ?? statusShown(word)
  return <span className="onair-badge" data-tone={tone}><i aria-hidden="true">{shape}</i><span>{spoken(word)}</span></span>
}

export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className="onair-soft">{children}</p>
}

/** A list that may be long scrolls in itself, also by keyboard. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactNode {
  return <div className="onair-scroll" role="group" aria-label={label} tabIndex={0}>{children}</div>
}

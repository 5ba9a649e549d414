// What is shown when a component breaks (row E4): the rest of the desk goes on.

import { Component, createElement, useCallback, useState, type ComponentType, type ErrorInfo, type ReactNode } from 'react'

import { Broken } from './broken.js'

/** What a fallback is given. */
export interface FallbackProps {
  readonly error: Error
  /** Where it happened, the components from the inside out; only in development. */
  readonly details: string | undefined
  /** Renders what broke once more. */
  readonly retry: () => void
  /** Loads the page anew. */
  readonly reload: () => void
  /** Hands the error to `report` of the boundary; left out when it has none. */
  readonly report: (() => Promise<void>) | undefined
}

/** What a boundary is told. */
export interface ErrorBoundaryProps {
  readonly children?: ReactNode
  readonly fallback?: ReactNode | ((props: FallbackProps) => ReactNode)
  /** Called with each error that is caught. */
  readonly onError?: (error: Error, info: ErrorInfo) => void
  /** Where a person sends the error when he presses "Report". */
  readonly report?: (error: Error, info: ErrorInfo | undefined) => void | Promise<void>
  /** Called when it is tried again. */
  readonly onRetry?: () => void
  /** It is tried again when one of these is another. */
  readonly resetKeys?: readonly unknown[]
  /** Whether details are shown; in development, unless it is said. */
  readonly details?: boolean
}

interface State {
  readonly error: Error | undefined
  readonly info: ErrorInfo | undefined
}

const WELL: State = { error: undefined, info: undefined }

/** Shows something else where a component breaks; the rest of the page goes on. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = WELL

  static getDerivedStateFromError(thrown: unknown): State {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)), info: undefined }
  }

  override componentDidCatch(_: unknown, info: ErrorInfo): void {
    const { error } = this.state
    if (!error) return
    this.setState({ info })
    this.props.onError?.(error, info)
  }

  override componentDidUpdate(before: ErrorBoundaryProps, was: State): void {
    // Only what changes while the error stands: the keys with which it broke would break it again.
    if (!this.state.error || !was.error) return
    const [keys, old] = [this.props.resetKeys ?? [], before.resetKeys ?? []]
    if (keys.length !== old.length || keys.some((key, at) => !Object.is(key, old[at]))) this.#retry()
  }

  #retry = (): void => {
    this.props.onRetry?.()
    this.setState(WELL)
  }

  override render(): ReactNode {
    const { error, info } = this.state
    const { children, fallback, report, details = isDevelopment() } = this.props
    if (!error) return children
    const props: FallbackProps = {
      error,
      details: details ? `${error.stack ?? error.message}\n${info?.componentStack ?? ''}` : undefined,
      retry: this.#retry,
      reload: () => location.reload(),
      report: report && (async () => report(error, info)),
    }
    if (typeof fallback === 'function') return fallback(props)
    return fallback === undefined ? createElement(Broken, props) : fallback
  }
}

/** A function that hands an error of an event or a promise to the boundary around this component. */
export function useErrorHandler(): (error: unknown) => void {
  const [, set] = useState<null>(null)
  return useCallback((error) => {
    if (error === null || error === undefined) return
    set(() => {
      throw error
    })
  }, [])
}

/** The component with a boundary around it. */
export function withErrorBoundary<P extends object>(Wrapped: ComponentType<P>, props: Omit<ErrorBoundaryProps, 'children'> = {}): ComponentType<P> {
  function Bounded(own: P): ReactNode {
    return createElement(ErrorBoundary, props, createElement(Wrapped, own))
  }
  Bounded.displayName = `withErrorBoundary(${Wrapped.displayName ?? Wrapped.name})`
  return Bounded
}

declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** Bundlers put the value in; where nobody does and there is no `process`, it is no development. */
function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== 'production'
  } catch {
    return false
  }
}

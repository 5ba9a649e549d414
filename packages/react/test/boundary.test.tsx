// Error boundaries (row E4): what breaks is shown, tried again, reported; the rest goes on.
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { useState, type ReactNode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { ErrorBoundary, useErrorHandler, withErrorBoundary } from '../src/index.js'
import { settle } from './house.js'

let broken = true
beforeEach(() => {
  broken = true
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

function Part(): ReactNode {
  if (broken) throw new Error('no such layer')
  return <p>whole</p>
}
const press = (name: string): boolean => fireEvent.click(screen.getByRole('button', { name }))

test('e4 what is around goes on, and what broke is tried again', () => {
  const onRetry = vi.fn()
  const onError = vi.fn()
  render(<><p>beside</p><ErrorBoundary onRetry={onRetry} onError={onError}><Part /></ErrorBoundary></>)
  expect(screen.getByRole('alert').textContent).toContain('no such layer')
  expect(screen.getByText('beside')).toBeTruthy()
  expect(onError).toHaveBeenCalledTimes(1)
  press('Try again')
  expect(screen.getByRole('alert')).toBeTruthy()
  broken = false
  press('Try again')
  expect(screen.getByText('whole')).toBeTruthy()
  expect(onRetry).toHaveBeenCalledTimes(2)
})

test('e4 reload loads the page anew', () => {
  const reload = vi.spyOn(location, 'reload').mockReturnValue()
  render(<ErrorBoundary><Part /></ErrorBoundary>)
  press('Reload the page')
  expect(reload).toHaveBeenCalledTimes(1)
})

test('e4 a report is sent once, and a failed one can be sent again', async () => {
  const report = vi.fn().mockRejectedValueOnce(new Error('offline')).mockResolvedValue(undefined)
  render(<ErrorBoundary report={report}><Part /></ErrorBoundary>)
  press('Report')
  await settle()
  press('Not reported: try again')
  await settle()
  expect((screen.getByRole('button', { name: 'Reported' }) as HTMLButtonElement).disabled).toBe(true)
  expect(report).toHaveBeenCalledTimes(2)
  expect(report).toHaveBeenLastCalledWith(expect.objectContaining({ message: 'no such layer' }), {
    componentStack: expect.stringContaining('Part') as string,
  })
})

test('e4 details are shown in development only, unless asked for', () => {
  render(<ErrorBoundary><Part /></ErrorBoundary>)
  expect(screen.getByText('Details').parentElement?.textContent).toMatch(/no such layer[^]*Part/)
  cleanup()
  vi.stubEnv('NODE_ENV', 'production')
  render(<ErrorBoundary><Part /></ErrorBoundary>)
  expect(screen.queryByText('Details')).toBeNull()
  cleanup()
  render(<ErrorBoundary details><Part /></ErrorBoundary>)
  expect(screen.getByText('Details')).toBeTruthy()
})

test('e4 a fallback of its own: an element, or a function of the error', () => {
  render(<ErrorBoundary fallback={<p>plain</p>}><Part /></ErrorBoundary>)
  expect(screen.getByText('plain')).toBeTruthy()
  cleanup()
  render(<ErrorBoundary fallback={({ error, retry, report }) => <button onClick={retry}>{`${error.message} ${String(report)}`}</button>}><Part /></ErrorBoundary>)
  broken = false
  press('no such layer undefined')
  expect(screen.getByText('whole')).toBeTruthy()
})

test('e4 another key tries again; the one it broke with does not', () => {
  const tree = (key: number): ReactNode => <ErrorBoundary resetKeys={[key]}><Part /></ErrorBoundary>
  const { rerender } = render(tree(1))
  broken = false
  rerender(tree(1))
  expect(screen.getByRole('alert')).toBeTruthy()
  rerender(tree(2))
  expect(screen.getByText('whole')).toBeTruthy()
})

test('e4 an error of an event or a promise reaches the boundary; nothing does not', async () => {
  function Button(): ReactNode {
    const handle = useErrorHandler()
    const [count, set] = useState(0)
    return <button onClick={() => (set(count + 1), void Promise.reject(count === 0 ? undefined : new Error('refused')).catch(handle))}>go</button>
  }
  render(<ErrorBoundary><Button /></ErrorBoundary>)
  press('go')
  await settle()
  expect(screen.queryByRole('alert')).toBeNull()
  press('go')
  await settle()
  expect(screen.getByRole('alert').textContent).toContain('refused')
})

test('e4 what is thrown and no error is shown as one; a wrapped component keeps its name', () => {
  const Wrapped = withErrorBoundary(function Odd({ what }: { what: unknown }): ReactNode {
    throw what
  })
  expect(Wrapped.displayName).toBe('withErrorBoundary(Odd)')
  act(() => void render(<Wrapped what="just text" />))
  expect(screen.getByRole('alert').textContent).toContain('just text')
})

// What is wrong now, and for each the way out.

import type { Conflict, Finding } from '@onair/client'
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react'

import type { Service } from '../state.js'
import { useDocs, useMonitorClient, useNow, useShow, useView, type Show } from './view.js'
import type { Backend } from './Backends.js'
import { away, plural, textOf } from './words.js'

interface Alert {
  readonly key: string
  readonly tone: 'bad' | 'warn'
  readonly text: string
  readonly wayOut: string
  /** A page that says more. */
  readonly page?: string
}

export function Alerts({ onConflicts }: { readonly onConflicts?: (() => void) | undefined }): ReactNode {
  const alerts = useAlerts()
  // The pages are the server's, which need not be where this page is from.
  const url = useMonitorClient()?.http.url ?? ''
  return (
    <section className="onair-alerts" aria-label="Alerts" aria-live="polite">
      {alerts.map(({ key, tone, text, wayOut, page }) => (
        <div key={key} className="onair-alert" data-tone={tone}>
          <p><i aria-hidden="true">{tone === 'bad' ? '✕' : '▲'}</i><b>{text}</b></p>
          <p>
            {wayOut}{' '}
            {key === 'conflicts' && onConflicts && <button type="button" className="onair-ghost" onClick={onConflicts}>Decide</button>}
            {page !== undefined && <a href={`${url}${page}`} target="_blank" rel="noreferrer">what it means</a>}
          </p>
        </div>
      ))}
    </section>
  )
}

export function useAlerts(): readonly Alert[] {
  const { show } = useShow()
  const services = useDocs<Service>('_services')
  const findings = useDocs<Finding>('_findings')
  const conflicts = useDocs<Conflict>('_conflicts')
  const backends = useDocs<Backend>('_backends')
  const reports = useReports()
  const now = useNow()
  const open = conflicts.filter(({ value }) => value.status === 'open').length
  return [
    ...(show ? troubled(show, now) : []),
    ...services.filter(({ value }) => value.status === 'failed').map(({ id, value }): Alert => ({
      key: `service ${id}`, tone: 'bad', text: `${id} has failed${textOf(value.error) === undefined ? '' : `: ${textOf(value.error)}`}`,
      wayOut: value.adapter === 'agent' ? 'Start its program again; it registers by itself.' : 'See to the service, then recover.',
    })),
    ...findings.filter(({ value }) => value.clearedAt === null && value.severity === 'error').map(({ value: { code, message, fix } }): Alert => ({
      key: `finding ${code}`, tone: 'bad', text: `${code}: ${message}`, wayOut: fix,
    })),
    ...(open > 0 ? [{ key: 'conflicts', tone: 'warn', text: `${plural(open, 'conflict')} to decide`, wayOut: 'Two people changed the same thing; somebody chooses.' } as const] : []),
    ...backends.filter(({ value }) => (value.parked ?? 0) > 0).map(({ id, value }): Alert => ({
      key: `backend ${id}`, tone: 'warn', text: `${id} did not take ${plural(value.parked ?? 0, 'delivery', 'deliveries')}`, wayOut: `See to it, then: onair backends replay ${id}`,
    })),
    ...(reports > 0 ? [{ key: 'diverged', tone: 'warn', text: `This page was out of step ${plural(reports, 'time')}`, wayOut: 'It noticed by itself and read everything anew; nothing is to be done.' } as const] : []),
  ]
}

const WAYS: Readonly<Record<string, string>> = {
  'step-failed': 'See to the service, then press Recover.',
  'step-timeout': 'The service did not answer in time: see to it, or give it longer in the settings, then press Recover.',
  'dependency-lost': 'Bring the service back, or press Recover.',
}
const PAGES = ['step-failed', 'step-timeout']

function troubled({ error, recovery }: Show, now: number): readonly Alert[] {
  if (!error) return []
  const { code, message, owed = [] } = error
  const soon = recovery?.nextAt ? ` It recovers by itself in ${away(Date.parse(recovery.nextAt) - now)}.` : recovery?.gaveUp ? ` It was tried ${plural(recovery.attempts, 'time')} and given up.` : ''
  return [{
    key: 'trouble', tone: 'bad', text: message || code || 'the show has failed',
    wayOut: `${WAYS[code] ?? 'Press Recover.'}${soon}${owed.length > 0 ? ` May still be on: ${owed.join(', ')}.` : ''}`,
    ...(PAGES.includes(code) && { page: `/docs/problems/${code}` }),
  }]
}

/** How often this page was found to be out of step. */
function useReports(): number {
  const client = useMonitorClient()
  const { past } = useView()
  const [count, setCount] = useState(0)
  const seen = useRef(0)
  const note = useCallback(() => setCount((seen.current += 1)), [])
  useEffect(() => client?.onReport(({ what }) => what === 'diverged' && note()), [client, note])
  return past ? 0 : count
}

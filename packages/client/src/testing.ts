// For tests and checks before a show: that nothing stands which is too bad (row A3).

import type { Actions } from './actions.js'
import type { Finding } from './types.js'

/** What a check found. */
export interface CheckReport {
  readonly revision: number
  readonly at: string
  /** Whether no error stands. */
  readonly ok: boolean
  readonly rules: number
  readonly counts: Readonly<Record<Finding['severity'], number>>
  /** What stands, the worst first. */
  readonly findings: readonly Finding[]
}

/** From the least bad to the worst. */
const SEVERITIES: readonly Finding['severity'][] = ['info', 'warning', 'error']

/** Has the rules look now; rejects with what stands while a finding is as bad as `least` or worse. */
export async function assertNoErrors(
  actions: Pick<Actions, 'check'>,
  least: Finding['severity'] = 'error',
): Promise<CheckReport> {
  const report = (await actions.check()) as unknown as CheckReport
  // A severity of a newer server counts.
  const bad = report.findings.filter(({ severity }) => {
    const place = SEVERITIES.indexOf(severity)
    return place < 0 || place >= SEVERITIES.indexOf(least)
  })
  if (bad.length === 0) return report
  const lines = bad.map(({ code, severity, message, fix }) => `  ${severity} ${code}: ${message}\n    ${fix}`)
  throw new Error([`${bad.length} findings stand`, ...lines].join('\n'))
}

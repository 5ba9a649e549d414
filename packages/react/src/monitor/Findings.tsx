// What the check of the server found: gravity, what it means, what to do; and what was and is cleared.

import type { Finding } from '@onair/client'
import { useState, type ReactNode } from 'react'

import { CopyCommand, useCommands } from './Copy.js'
import { Badge, Empty } from './parts.js'
import { useDocs, useMonitorClient, useNow, useView } from './view.js'
import { away, plural, spoken } from './words.js'

const GRAVITY: Readonly<Record<string, number>> = { error: 0, warning: 1, info: 2 }

export function Findings(): ReactNode {
  const all = useDocs<Finding>('_findings').map(({ value }) => value)
  const standing = all.filter(({ clearedAt }) => clearedAt === null).sort((a, b) => (GRAVITY[a.severity] ?? 3) - (GRAVITY[b.severity] ?? 3))
  const cleared = all.filter(({ clearedAt }) => clearedAt !== null)
  return (
    <>
      {standing.length === 0 && <Empty>Nothing is found.</Empty>}
      <List findings={standing} />
      {cleared.length > 0 && <details className="onair-more"><summary>{cleared.length} cleared</summary><List findings={cleared} /></details>}
      <Check />
    </>
  )
}

function List({ findings }: { readonly findings: readonly Finding[] }): ReactNode {
  const now = useNow()
  return (
    <ul className="onair-rows">
      {findings.map(({ code, category, severity, message, fix, firstSeen, count }) => (
        <li key={code}>
          <span className="onair-grow">
            <b>{code}</b> {message}
            <span className="onair-soft onair-line">{spoken(category)}, for {away(now - Date.parse(firstSeen))}, seen {plural(count, 'time')}</span>
            {fix && <span className="onair-line">→ {fix}</span>}
          </span>
          <Badge word={severity} />
        </li>
      ))}
    </ul>
  )
}

function Check(): ReactNode {
  const client = useMonitorClient()
  const commands = useCommands()
  const { past } = useView()
  const [said, setSaid] = useState<string>()
  const run = (): void => {
    setSaid('checking…')
    client?.actions.check().then(() => setSaid('checked'), (error: Error) => setSaid(error.message))
  }
  return (
    <p className="onair-buttons">
      <button type="button" aria-disabled={past !== undefined} onClick={() => past === undefined && run()}>Check now</button>
      <CopyCommand command={commands?.check()} of="check" />
      <span className="onair-soft" role="status">{said}</span>
    </p>
  )
}

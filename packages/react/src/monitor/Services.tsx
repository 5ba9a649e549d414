// The services of the show: status, health, when they were last heard.

import type { ReactNode } from 'react'

import type { Service } from '../state.js'
import { Badge, Empty } from './parts.js'
import { useDocs, useNow } from './view.js'
import { away, textOf, timeOf } from './words.js'

export function Services(): ReactNode {
  const services = useDocs<Service>('_services')
  const now = useNow()
  if (services.length === 0) return <Empty>No services are declared.</Empty>
  return (
    <ul className="onair-rows">
      {services.map(({ id, value: { status, required, adapter, healthy, lastSeen, error, instance } }) => (
        <li key={id}>
          <span className="onair-grow">
            <b>{id}</b> <Badge word={status} />
            <span className="onair-soft onair-line">{adapter}{!required && ', optional'}{typeof instance === 'string' && `, ${instance}`}</span>
            {textOf(error) !== undefined && <span className="onair-bad onair-line">{textOf(error)}</span>}
          </span>
          <span className="onair-soft" title={lastSeen ? `last seen at ${timeOf(lastSeen)}` : undefined}>
            {lastSeen === null ? (adapter === 'builtin' ? undefined : 'never seen') : `seen ${away(now - Date.parse(lastSeen))} ago`}
          </span>
          {/* What is off is not unwell. */}
          {(healthy || status !== 'down') && <span className="onair-health" data-tone={healthy ? 'good' : 'bad'}>{healthy ? '♥ healthy' : '♡ unwell'}</span>}
        </li>
      ))}
    </ul>
  )
}

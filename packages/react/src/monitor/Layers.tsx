// The layers, each with a switch.

import type { Document, Json } from '@onair/client'
import type { ReactNode } from 'react'

import { useMutation } from '../mutation.js'
import { CopyCommand, useCommands } from './Copy.js'
import { Empty } from './parts.js'
import { useDocs, useView } from './view.js'

type Layer = { readonly [member: string]: Json }

export function Layers(): ReactNode {
  const layers = useDocs<Layer>('layers')
  if (layers.length === 0) return <Empty>No layers yet.</Empty>
  return <ul className="onair-rows">{layers.map((layer) => <Row key={layer.id} layer={layer} />)}</ul>
}

function Row({ layer: { id, value, pending } }: { readonly layer: Document<Layer> }): ReactNode {
  const { patch, error } = useMutation()
  const { past } = useView()
  const commands = useCommands()
  const on = value?.['visible'] === true
  const text = ['name', 'text', 'title'].map((name) => value?.[name]).find((one) => typeof one === 'string')
  return (
    <li aria-busy={pending}>
      <span className="onair-grow">
        <b>{id}</b> <span className="onair-soft">{String(text ?? '')}</span>
        {error && <span className="onair-bad onair-line" role="alert">{error.message}</span>}
      </span>
      <CopyCommand command={commands?.patch('layers', id, { visible: !on })} of={`${on ? 'hide' : 'show'} ${id}`} />
      <button
        type="button" role="switch" className="onair-switch" aria-checked={on} aria-disabled={past !== undefined} aria-label={`Show ${id}`}
        onClick={() => past === undefined && void patch('layers', id, { visible: !on })}
      >
        <i aria-hidden="true" /><span aria-hidden="true">{on ? 'on' : 'off'}</span>
      </button>
    </li>
  )
}

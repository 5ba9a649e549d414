// What is on the picture: one switch per layer, pressed at once and confirmed a moment later.

import type { Document } from '@onair/client'
import { useCollection, useMutation } from '@onair/react'
import { memo, type ReactNode } from 'react'

interface Layer {
  readonly name?: string
  readonly visible?: boolean
}

const FIRST = { background: 'Background', camera: 'Camera', logo: 'Logo', lower: 'Lower third' }

export function Layers(): ReactNode {
  const layers = useCollection<Layer>('layers')
  const { mutate } = useMutation()
  if (layers.length > 0) return <ul className="rows">{layers.map((layer) => <Row key={layer.id} layer={layer} />)}</ul>
  const add = (): void => {
    const puts = Object.entries(FIRST).map(([document, name]) => {
      return { op: 'put', collection: 'layers', document, value: { name, visible: document !== 'lower' } } as const
    })
    void mutate(puts)
  }
  return <p className="empty">No layers yet. <button type="button" className="small" onClick={add}>Add four</button></p>
}

const Row = memo(function Row({ layer: { id, value, pending } }: { layer: Document<Layer> }): ReactNode {
  const { patch, error } = useMutation()
  const name = value.name ?? id
  return (
    <li aria-busy={pending}>
      <span>{name}{error && <em className="bad">{error.message}</em>}</span>
      <button
        type="button" role="switch" aria-checked={value.visible === true} aria-label={name} className="switch"
        onClick={() => void patch('layers', id, { visible: value.visible !== true })}
      >
        <i aria-hidden="true" />
      </button>
    </li>
  )
})

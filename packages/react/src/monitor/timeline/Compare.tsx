// What is not the same at two revisions, document by document and field by field.

import type { Json } from '@onair/client'
import { useEffect, useState, type ReactNode } from 'react'

import { between, type Changed } from '../difference.js'
import { plural } from '../words.js'
import type { Recorder } from './recorder.js'

/** Documents and fields of each that are shown. */
const [DOCUMENTS_MAX, FIELDS_MAX] = [100, 20]

interface Props {
  readonly recorder: Recorder
  readonly from: number
  readonly to: number
}

export function Compare({ recorder, from, to }: Props): ReactNode {
  const [changed, setChanged] = useState<readonly Changed[]>()
  const [error, setError] = useState<string>()
  useEffect(() => {
    let here = true
    const read = async (): Promise<void> => {
      // One behind the other: both walk along the same page where they can.
      const before = await recorder.stateAt(from)
      const after = await recorder.stateAt(to)
      if (here) setChanged(between(before.documents, after.documents))
    }
    read().then(() => here && setError(undefined), (why: unknown) => here && setError(String(why)))
    return () => {
      here = false
    }
  }, [recorder, from, to])
  return (
    <section className="onair-compare" aria-label={`Difference between revision ${from} and ${to}`}>
      <h3>{from} → {to} <span className="onair-soft" role="status">{changed ? plural(changed.length, 'document') : 'reading…'}</span></h3>
      {error !== undefined && <p className="onair-bad" role="alert">{error}</p>}
      <div className="onair-scroll" role="group" aria-label="What differs" tabIndex={0}>
        <ul>
          {changed?.slice(0, DOCUMENTS_MAX).map(({ key, kind, fields }) => (
            <li key={key}>
              <b>{kind === 'added' ? '+' : kind === 'removed' ? '−' : '≠'} {key}</b> <span className="onair-soft">{kind}</span>
              <dl>
                {fields.slice(0, FIELDS_MAX).map(({ path, before, after }) => (
                  <div key={path}>
                    <dt>{path || 'the whole'}</dt>
                    <dd>{before !== undefined && <del>{short(before)}</del>} {after !== undefined && <ins>{short(after)}</ins>}</dd>
                  </div>
                ))}
              </dl>
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

const LENGTH_MAX = 160

function short(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text
}

// Everything as JSON, now or then: searched by any text, opened as far as somebody looks, copied whole or in part.

import { useEffect, useMemo, useState, type ReactNode } from 'react'

import type { Json } from '@onair/client'
import { useOnair } from '../provider.js'
import { CopyText } from './Copy.js'
import { Empty } from './parts.js'
import { useMonitorClient, useView } from './view.js'
import { plural } from './words.js'

/** Documents that are listed at once. */
const SHOWN = 200

interface Listed {
  readonly key: string
  readonly revision: number
  readonly value: Json
}

/** All documents, now or then. */
function useEverything(): readonly Listed[] {
  const { past } = useView()
  const client = useMonitorClient()
  const { source } = useOnair()
  const [turn, setTurn] = useState(0)
  useEffect(() => client?.subscribe({}, () => setTurn((before) => before + 1)), [client])
  return useMemo(() => {
    const collections = past
      ? Object.entries(past.documents).map(([name, entries]) => [name, Object.entries(entries).map(([id, entry]) => ({ id, ...entry }))] as const)
      : source ? source.client.collections().map((name) => [name, source.client.all(name)] as const) : []
    return collections
      .flatMap(([name, all]) => all.map(({ id, revision, value }) => ({ key: `${name}/${id}`, revision, value })))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    // `turn` stands for what changed.
  }, [past, source, turn])
}

export function Raw(): ReactNode {
  const all = useEverything()
  const [wanted, setWanted] = useState('')
  const word = wanted.trim().toLowerCase()
  const found = useMemo(
    () => (word === '' ? all : all.filter(({ key, value }) => key.toLowerCase().includes(word) || JSON.stringify(value).toLowerCase().includes(word))),
    [all, word],
  )
  const text = (): string => JSON.stringify(Object.fromEntries(found.map(({ key, revision, value }) => [key, { revision, value }])), null, 2)
  return (
    <>
      <div className="onair-buttons">
        <label className="onair-grow">Search <input type="search" value={wanted} placeholder="any name or value" onChange={({ target }) => setWanted(target.value)} /></label>
        <span className="onair-soft" role="status">{plural(found.length, 'document')}</span>
        <CopyText text={text} of="JSON of all that is found">Copy JSON</CopyText>
      </div>
      {found.length === 0 && <Empty>No document says that.</Empty>}
      <ul className="onair-raw">
        {found.slice(0, SHOWN).map((one) => <One key={one.key} document={one} word={word} />)}
      </ul>
      {found.length > SHOWN && <Empty>and {plural(found.length - SHOWN, 'more document')}: search for one</Empty>}
    </>
  )
}

function One({ document: { key, revision, value }, word }: { readonly document: Listed; readonly word: string }): ReactNode {
  const [open, setOpen] = useState(false)
  const shown = open || (word !== '' && !key.toLowerCase().includes(word))
  return (
    <li>
      <details open={shown} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary><b>{key}</b> <span className="onair-soft">revision {revision}</span></summary>
        {shown && (
          <div className="onair-code">
            <pre tabIndex={0} aria-label={`${key} as JSON`}><Marked text={JSON.stringify(value, null, 2)} word={word} /></pre>
            <CopyText text={() => JSON.stringify(value, null, 2)} of={key}>Copy</CopyText>
          </div>
        )}
      </details>
    </li>
  )
}

/** Places of one text that are marked at most. */
const MARKS_MAX = 100

function Marked({ text, word }: { readonly text: string; readonly word: string }): ReactNode {
  if (word === '') return text
  const low = text.toLowerCase()
  const parts: ReactNode[] = []
  let from = 0
  // Where lower case has another length the places would be others.
  for (let at = low.length === text.length ? low.indexOf(word) : -1; at >= 0 && parts.length < MARKS_MAX; at = low.indexOf(word, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + word.length)}</mark>)
    from = at + word.length
  }
  return [...parts, text.slice(from)]
}

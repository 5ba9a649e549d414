// The chat: what was said last, and a line to say something; what is not sent yet is grey.

import { useCollection, useMutation } from '@onair/react'
import { useEffect, useMemo, useRef, useState, type FormEvent, type ReactNode } from 'react'

interface Line {
  readonly author?: string
  readonly text?: string
  readonly at?: string
}

const SHOWN = 100

export function Chat(): ReactNode {
  const all = useCollection<Line>('chat')
  const lines = useMemo(() => [...all].sort((a, b) => ((a.value.at ?? '') < (b.value.at ?? '') ? -1 : 1)).slice(-SHOWN), [all])
  const { put, error } = useMutation()
  const [text, setText] = useState('')
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight })
  }, [lines.length])
  const say = (event: FormEvent): void => {
    event.preventDefault()
    if (text.trim() === '') return
    void put('chat', `c-${crypto.randomUUID()}`, { author: 'desk', text: text.trim(), at: new Date().toISOString() }, { ifRevision: 0 })
    setText('')
  }
  return (
    <>
      <ol className="chat-lines" ref={list} aria-live="polite" tabIndex={0} aria-label="Messages">
        {lines.length === 0 && <li className="empty">Nobody has said anything.</li>}
        {lines.map(({ id, value, pending }) => (
          <li key={id} aria-busy={pending}><b>{value.author ?? 'somebody'}</b> {value.text}</li>
        ))}
      </ol>
      {error && <p className="bad" role="alert">{error.message}</p>}
      <form onSubmit={say}>
        <input aria-label="Message" placeholder="Say something" value={text} onChange={({ target }) => setText(target.value)} />
        <button type="submit" disabled={text.trim() === ''}>Send</button>
      </form>
    </>
  )
}

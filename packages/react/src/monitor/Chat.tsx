// What was said, the newest below, and a line to say something.

import type { Json } from '@onair/client'
import { useEffect, useMemo, useRef, useState, type FormEvent, type ReactNode } from 'react'

import { useMutation } from '../mutation.js'
import { Empty } from './parts.js'
import { useDocs, useView } from './view.js'

type Line = { readonly [member: string]: Json } | null

const SHOWN = 60
let made = 0

export function Chat(): ReactNode {
  const lines = useDocs<Line>('chat')
  const { past } = useView()
  const { put, error } = useMutation()
  const [text, setText] = useState('')
  const end = useRef<HTMLDivElement>(null)
  const newest = useMemo(() => [...lines].sort((a, b) => a.revision - b.revision || (a.id < b.id ? -1 : 1)).slice(-SHOWN), [lines])
  useEffect(() => {
    const list = end.current
    if (list) list.scrollTop = list.scrollHeight
  }, [newest])
  const send = (event: FormEvent): void => {
    event.preventDefault()
    if (text.trim() === '' || past) return
    made += 1
    void put('chat', `monitor-${Date.now().toString(36)}-${made}`, { author: 'monitor', text: text.trim(), at: new Date().toISOString() })
    setText('')
  }
  return (
    <>
      {newest.length === 0 && <Empty>Nobody has said anything.</Empty>}
      <div ref={end} className="onair-scroll onair-chat" role="log" aria-label="Chat" tabIndex={0}>
        {newest.map(({ id, value, pending }) => (
          <p key={id} aria-busy={pending}><b>{said(value?.['author'])}</b> {said(value?.['text'])}</p>
        ))}
      </div>
      <form onSubmit={send}>
        <input aria-label="Message" placeholder="Say something" value={text} maxLength={2_000} onChange={({ target }) => setText(target.value)} />
        <button type="submit" aria-disabled={past !== undefined || text.trim() === ''}>Send</button>
      </form>
      {error && <p className="onair-bad" role="alert">{error.message}</p>}
    </>
  )
}

function said(value: Json | undefined): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

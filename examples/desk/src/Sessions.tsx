// The sessions of the day: one is chosen here, and the show is started with it.

import { useBroadcastState, useCollection, useMutation } from '@onair/react'
import { useState, type FormEvent, type ReactNode } from 'react'

import { useChosen } from './chosen.js'

export function Sessions(): ReactNode {
  const sessions = useCollection<{ readonly title?: string }>('sessions')
  const { sessionId } = useBroadcastState()
  const [chosen, choose] = useChosen()
  const { put } = useMutation()
  const [title, setTitle] = useState('')
  const add = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim() === '') return
    const id = `s-${Date.now().toString(36)}`
    void put('sessions', id, { title: title.trim() })
    choose(id)
    setTitle('')
  }
  return (
    <>
      {sessions.length === 0 && <p className="empty">No sessions yet.</p>}
      <ul className="rows" role="radiogroup" aria-label="Session to start with">
        {sessions.map(({ id, value, pending }) => (
          <li key={id} aria-busy={pending}>
            <label>
              <input type="radio" name="session" checked={chosen === id} onChange={() => choose(id)} /> {value.title ?? id}
            </label>
            {sessionId === id && <b className="on">on air</b>}
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <input aria-label="Title of a new session" placeholder="New session" value={title} onChange={({ target }) => setTitle(target.value)} />
        <button type="submit" disabled={title.trim() === ''}>Add</button>
      </form>
    </>
  )
}

// All productions of the server, a tile each.

import { Badge, phaseShown, useMonitorStyle } from '@onair/react/monitor'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'

import { keepToken, token } from './token.js'

export interface Listed {
  readonly id: string
  readonly phase: string
  readonly paused: boolean
  readonly revision: number
}

export interface Answer {
  readonly productions: readonly Listed[] | undefined
  /** Why they are not known; 401 asks for a token. */
  readonly status: number
  readonly error: string | undefined
  again(): void
}

const EVERY_MS = 2_000
/** Pages of the list that are read. */
const PAGES_MAX = 10

/** The productions, asked for again while the page is seen. */
export function useProductions(asking: boolean): Answer {
  const [state, setState] = useState<Omit<Answer, 'again'>>({ productions: undefined, status: 0, error: undefined })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    if (!asking) return undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let here = true
    const ask = async (): Promise<void> => {
      try {
        const productions = document.visibilityState === 'hidden' ? undefined : await list()
        if (here && productions) setState({ productions, status: 200, error: undefined })
      } catch (error) {
        // What was known stays on the page.
        if (here) setState((before) => ({ ...before, status: error instanceof Refused ? error.status : 0, error: error instanceof Error ? error.message : String(error) }))
      }
      if (here) timer = setTimeout(() => void ask(), EVERY_MS)
    }
    void ask()
    return () => {
      here = false
      clearTimeout(timer)
    }
  }, [asking, turn])
  return { ...state, again: () => setTurn((before) => before + 1) }
}

class Refused extends Error {
  constructor(readonly status: number, detail: string) {
    super(detail)
  }
}

async function list(): Promise<readonly Listed[]> {
  const all: Listed[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const said = token()
    const answer = await fetch(`/v1/productions${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`, said === undefined ? {} : { headers: { authorization: `Bearer ${said}` } })
    if (!answer.ok) throw new Refused(answer.status, `the server answers ${answer.status}`)
    const body = (await answer.json()) as { readonly productions: readonly Listed[]; readonly cursor?: string }
    all.push(...body.productions)
    cursor = body.cursor
    if (cursor === undefined) break
  }
  return all
}

export function Overview({ answer: { productions, status, error, again }, aside, theme }: { readonly answer: Answer; readonly aside: ReactNode; readonly theme: 'auto' | 'dark' | 'light' }): ReactNode {
  useMonitorStyle()
  return (
    <div className="onair-monitor" data-theme={theme}>
      <header className="onair-top"><h1>onair</h1><span className="onair-grow" />{aside}</header>
      {status === 401 && <Token wrong={token() !== undefined} onToken={again} />}
      {status !== 401 && error !== undefined && <p className="onair-alert" data-tone="warn" role="status">▲ {error}; trying again</p>}
      {status !== 401 && productions?.length === 0 && <p>There is no production yet: <code>onair create NAME</code></p>}
      {status !== 401 && productions !== undefined && (
        <ul className="tiles" aria-label="Productions">
          {productions.map(({ id, phase, paused, revision }) => {
            const word = phase === 'live' && paused ? 'paused' : phase
            return (
              <li key={id} data-phase={phase}>
                <a href={`#${id}`}><b>{id}</b><span><Badge word={word} shown={phaseShown(word)} /></span><span className="onair-soft">revision {revision}</span></a>
              </li>
            )
          })}
        </ul>
      )}
    </div>
  )
}

function Token({ wrong, onToken }: { readonly wrong: boolean; readonly onToken: () => void }): ReactNode {
  const [given, setGiven] = useState('')
  const go = (event: FormEvent): void => {
    event.preventDefault()
    keepToken(given)
    onToken()
  }
  return (
    <form className="onair-signin onair-panel" onSubmit={go}>
      <h2>This server wants to know who is there</h2>
      {wrong && <p className="onair-bad" role="alert">The token is not known.</p>}
      <label>Token <input type="password" autoComplete="off" autoFocus value={given} onChange={({ target }) => setGiven(target.value)} /></label>
      <button type="submit" data-main="true" disabled={given === ''}>Go on</button>
      <p className="onair-soft">A token is made by <code>onair token create --name desk --role operator</code>. It is kept until this window is closed.</p>
    </form>
  )
}

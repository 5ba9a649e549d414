// A server that wants to know who is there.

import { useClient } from '@onair/react'
import { useState, type FormEvent, type ReactNode } from 'react'

export function SignIn({ production }: { production: string }): ReactNode {
  const client = useClient()
  const [token, setToken] = useState('')
  const go = (event: FormEvent): void => {
    event.preventDefault()
    sessionStorage.setItem('token', token)
    client?.authenticate(token)
  }
  return (
    <form className="sign-in" onSubmit={go}>
      <h1>{production}</h1>
      <label>Token <input type="password" autoComplete="current-password" value={token} onChange={({ target }) => setToken(target.value)} /></label>
      <button type="submit" disabled={token === ''}>Sign in</button>
    </form>
  )
}

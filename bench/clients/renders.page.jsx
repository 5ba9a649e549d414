// A thousand components, each with a document of its own, and a count of the renders of all of them.
import { connect } from '@onair/client'
import { OnairProvider, useDocument } from '@onair/react'
import { createElement, memo } from 'react'
import { createRoot } from 'react-dom/client'

globalThis.renders = 0

const Cell = memo(function Cell({ id }) {
  const n = useDocument('cells', id, (value) => value?.n)
  renders += 1
  return createElement('i', { id }, n)
})

globalThis.begin = async (url, cells) => {
  const client = connect({ url })
  globalThis.client = client
  await new Promise((resolve) => client.onConnection(({ state }) => state === 'connected' && resolve()))
  const all = Array.from({ length: cells }, (_, n) => createElement(Cell, { key: n, id: `c${n}` }))
  createRoot(document.getElementById('root')).render(createElement(OnairProvider, { client }, all))
}

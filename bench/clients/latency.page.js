// The page of the latency measurement: three ways to show in other tabs what one tab writes.
import { connect } from '@onair/client'
import { io } from 'socket.io-client'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const now = () => performance.timeOrigin + performance.now()
globalThis.seen = []
const show = (value) => {
  if (!value) return
  document.getElementById('seen').textContent = value.n
  seen.push([value.n, now() - value.at])
}

/** Resolves with what writes a value, when the page is connected. */
globalThis.begin = {
  async onair(url) {
    const client = connect({ url, collections: ['bench'] })
    client.subscribe({ collection: 'bench', id: 'value' }, (changes) => show(changes.at(-1).value))
    await new Promise((resolve) => {
      const check = ({ state }) => state === 'connected' && resolve()
      client.onConnection(check)
      check(client.connection)
    })
    globalThis.write = (n) => void client.put('bench', 'value', { n, at: now() })
  },
  /** The messages of the server, without our client. */
  async bare(url) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/sync`)
    await new Promise((resolve) => (socket.onopen = resolve))
    let id = 0
    socket.send(JSON.stringify({ type: 'hello' }))
    const subscribed = new Promise((resolve) => {
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data)
        if (message.type === 'welcome') socket.send(JSON.stringify({ type: 'subscribe', production: 'main', collections: ['bench'] }))
        if (message.type === 'subscribed') resolve()
        if (message.type === 'ping') socket.send(JSON.stringify({ type: 'pong' }))
        if (message.type === 'commit') for (const { collection, value } of message.changes) if (collection === 'bench') show(value)
      }
    })
    await subscribed
    globalThis.write = (n) => {
      id += 1
      const mutations = [{ op: 'put', collection: 'bench', document: 'value', value: { n, at: now() } }]
      socket.send(JSON.stringify({ type: 'mutate', production: 'main', id: `bare-${now()}-${id}`, mutations }))
    }
  },
  async socketio(url) {
    const socket = io(url, { transports: ['websocket'] })
    await new Promise((resolve) => socket.on('connect', resolve))
    socket.on('value', show)
    globalThis.write = (n) => socket.emit('value', { n, at: now() })
  },
  async yjs(url) {
    const doc = new Y.Doc()
    const provider = new WebsocketProvider(url.replace('http', 'ws'), 'bench', doc)
    await new Promise((resolve) => provider.on('sync', resolve))
    const map = doc.getMap('bench')
    map.observe(() => show(map.get('value')))
    globalThis.write = (n) => map.set('value', { n, at: now() })
  },
}

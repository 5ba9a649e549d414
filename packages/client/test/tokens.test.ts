// Who is nobody, who may only read, and who may come back: tokens on the real server.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { memory } from '../src/storage/memory.js'
import { connect, type Client, type ClientOptions, type Connection } from './client.js'
import { BIN, RealServer } from './server.js'

const title = BIN ? 'x1 tokens on the real server' : 'x1 tokens on the real server (skipped: ONAIR_BIN is not set)'

describe.skipIf(!BIN)(title, () => {
  const server = new RealServer()
  const clients: Client[] = []
  let operator = ''
  let viewer = ''
  beforeAll(async () => {
    await server.start()
    operator = server.token('desk', 'operator')
    viewer = server.token('screen', 'viewer')
  })
  afterAll(() => server.remove())
  afterEach(() => {
    for (const client of clients.splice(0)) client.close()
  })

  const begin = (options: Partial<ClientOptions>): Client => {
    const client = connect({ url: server.url, WebSocket: WebSocket as never, storage: memory(), ...options })
    clients.push(client)
    return client
  }
  const is = (client: Client, state: Connection['state']): Promise<void> =>
    vi.waitFor(() => expect(client.connection.state).toBe(state), { timeout: 10_000 })

  test.each([['socket'], ['events'], ['poll']] as const)('over %s: nobody needs a token, gets one, and what waited is done', async (transport) => {
    const client = begin({ transports: [transport], pollInterval: 50 })
    await is(client, 'needs-auth')
    const waiting = client.put('layers', `by-${transport}`, 1)
    client.authenticate(operator)
    expect(await waiting).toMatchObject({ outcome: 'applied' })
    await is(client, 'connected')
    expect(client.connection).toMatchObject({ reason: null, pending: 0 })
  })

  test('a viewer reads, and its edits are refused and taken back', async () => {
    const client = begin({ token: viewer })
    await is(client, 'connected')
    expect(client.connection.role).toBe('viewer')
    expect(await client.put('layers', 'mine', 1)).toMatchObject({ outcome: 'refused', error: { code: 'forbidden', kind: 'permission' } })
    expect(client.get('layers', 'mine')).toBeUndefined()
    await expect(client.actions.act('initialize')).rejects.toMatchObject({ code: 'forbidden' })
    await is(client, 'connected')
  })

  test('a token that is asked for anew is asked for when one is refused', async () => {
    let asked = 0
    const client = begin({ token: () => ((asked += 1) === 1 ? 'stale' : operator) })
    await is(client, 'connected')
    expect(asked).toBeGreaterThan(1)
  })

  test('a production that is none, and a foreign address: hopeless', async () => {
    const client = begin({ token: operator, production: 'nowhere' })
    await is(client, 'failed')
    expect(client.connection).toMatchObject({ reason: 'not-found', retryInMs: null })
  })
})

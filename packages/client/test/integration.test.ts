// Clients against the real server, over real sockets: run with ONAIR_BIN set to the program.
import { WebSocket } from 'ws'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Client, type ClientOptions, type Report, NotAllowed } from './client.js'
import { memory } from '../src/storage/memory.js'
import type { Commit } from '../src/types.js'
import { BIN, RealServer } from './server.js'

const title = BIN ? 'against the real server' : 'against the real server (skipped: ONAIR_BIN is not set)'

describe.skipIf(!BIN)(title, () => {
  const server = new RealServer()
  const clients: Client[] = []
  const reports: Report[] = []

  beforeAll(() => server.start())
  afterAll(() => server.remove())
  afterEach(() => {
    for (const client of clients.splice(0)) client.close()
    expect(reports.splice(0)).toEqual([])
  })

  const begin = async (options: Partial<ClientOptions> = {}): Promise<Client> => {
    const client = connect({ url: server.url, WebSocket: WebSocket as never, storage: memory(), ...options })
    clients.push(client)
    client.onReport((report) => reports.push(report))
    await until(() => client.connection.state === 'connected')
    return client
  }
  const until = async (holds: () => boolean, ms = 20_000): Promise<void> => {
    const end = Date.now() + ms
    while (!holds()) {
      if (Date.now() > end) throw new Error(`it does not hold after ${ms} ms: ${holds}; ${JSON.stringify(clients.map(({ connection }) => connection))}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const alike = async (...all: Client[]): Promise<void> => {
    await until(() => new Set(all.map(({ position, digest }) => `${position} ${digest}`)).size === 1)
  }
  const log = async (): Promise<Commit[]> => {
    const answer = await fetch(`${server.url}/v1/productions/main/changes?limit=5000`)
    return ((await answer.json()) as { commits: Commit[] }).commits
  }

  test('y2 two clients edit and are alike', async () => {
    const [a, b] = [await begin(), await begin()]
    const created: string[] = []
    b.onCreated({ collection: 'layers' }, ({ id }) => created.push(id))
    expect(await a.put('layers', 'logo', { visible: true, x: 1 })).toMatchObject({ outcome: 'applied' })
    await until(() => b.get('layers', 'logo') !== undefined)
    const [one, other] = await Promise.all([a.patch('layers', 'logo', { x: 2 }), b.patch('layers', 'logo', { visible: false })])
    expect([one.outcome, other.outcome].sort()).toEqual(['applied', 'merged'])
    await alike(a, b)
    expect(b.get('layers', 'logo')).toEqual({ visible: false, x: 2 })
    await a.delete('layers', 'logo')
    const back = a.restore('layers', 'logo')
    expect(a.get('layers', 'logo')).toEqual({ visible: false, x: 2 })
    expect(await back).toMatchObject({ outcome: 'applied' })
    await alike(a, b)
    expect(created).toContain('logo')
  })

  test('k2 the same field twice is a conflict that somebody resolves', async () => {
    const [a, b] = [await begin(), await begin()]
    await a.put('scenes', 'intro', { title: 'a' })
    await alike(a, b)
    const [one, other] = await Promise.all([a.patch('scenes', 'intro', { title: 'b' }), b.patch('scenes', 'intro', { title: 'c' })])
    expect([one.outcome, other.outcome].sort()).toEqual(['applied', 'conflict'])
    await until(() => a.actions.conflicts('open').length === 1)
    await a.actions.resolve(a.actions.conflicts('open')[0]?.id ?? '', 'merge', 'd')
    await until(() => (b.get('scenes', 'intro') as { title: string }).title === 'd')
    expect(b.actions.conflicts('open')).toEqual([])
  })

  test('e1 refusals are told and taken back', async () => {
    const a = await begin()
    const result = await a.patch('layers', 'nothing', { x: 1 })
    expect(result).toMatchObject({ outcome: 'refused', error: { code: 'not-found', kind: 'validation', retryable: false } })
    const late = a.put('chat', 'm', 1, { ifRevision: 1 })
    expect(a.get('chat', 'm')).toBe(1)
    expect(await late).toMatchObject({ outcome: 'refused' })
    expect(a.get('chat', 'm')).toBeUndefined()
    expect(await a.put('chat', 'a/b', 1)).toMatchObject({ outcome: 'refused', error: { code: 'invalid' } })
    expect(await a.put('chat', 'm', undefined)).toMatchObject({ outcome: 'refused', error: { code: 'invalid' } })
    expect(await a.put('chat', 'm', 2 ** 53)).toMatchObject({ outcome: 'refused', error: { code: 'invalid' } })
  })

  test('l4 actions, plans, what is allowed, settings', async () => {
    const a = await begin()
    expect(await a.actions.plan('initialize')).toMatchObject({ allowed: true })
    await expect(a.actions.act('resume')).rejects.toBeInstanceOf(NotAllowed)
    expect(await a.actions.act('initialize')).toMatchObject({ phase: 'ready' })
    await until(() => a.actions.lifecycle()?.phase === 'ready')
    expect((await a.actions.can()).initialize.allowed).toBe(false)
    expect(await a.actions.validate('live')).toMatchObject({ valid: false })
    expect(await a.actions.changeSettings({ maxRetries: 5 })).toMatchObject({ maxRetries: 5 })
    await until(() => a.actions.settings()?.maxRetries === 5)
    await expect(a.actions.changeSettings({ maxRetries: -1 })).rejects.toMatchObject({ code: 'invalid' })
  })

  test('a document larger than a message goes through', async () => {
    const [a, b] = [await begin(), await begin()]
    expect(await a.put('scenes', 'large', { text: 'ä'.repeat(50_000) })).toMatchObject({ outcome: 'applied' })
    await alike(a, b)
  })

  test('y4 killed under load: what was queued is replayed once and in order, and all are alike', async () => {
    const [a, b] = [await begin(), await begin()]
    const edits = Array.from({ length: 200 }, (_, n) => a.put('chat', `n${n}`, { n }))
    await Promise.all(edits.slice(0, 20))
    await server.kill()
    await until(() => a.connection.state !== 'connected')
    const offline = Array.from({ length: 50 }, (_, n) => a.put('chat', `late${n}`, { n }))
    expect(a.get('chat', 'late49')).toEqual({ n: 49 })
    expect(a.connection.pending).toBeGreaterThan(49)
    await server.start()
    a.retry()
    b.retry()
    const results = await Promise.all([...edits, ...offline])
    expect(results.every(({ outcome }) => outcome === 'applied')).toBe(true)
    await until(() => a.connection.pending === 0)
    await alike(a, b)
    const put = (await log()).filter(({ changes }) => changes[0]?.collection === 'chat').map(({ changes }) => changes[0]?.id)
    const wanted = [...edits.map((_, n) => `n${n}`), ...offline.map((_, n) => `late${n}`)]
    expect(put.filter((id) => wanted.includes(id ?? ''))).toEqual(wanted)
  }, 60_000)

  test.each([
    ['events', ['socket']],
    ['poll', ['socket', 'events']],
  ] as const)('e3 over %s when %j is blocked', async (transport, blocked) => {
    const socketless = class {
      constructor() {
        throw new Error('blocked')
      }
    }
    const fetched: typeof fetch = (input, init) => {
      if (String(input).includes('/events') && (blocked as readonly string[]).includes('events')) return Promise.reject(new TypeError('blocked'))
      return fetch(input, init)
    }
    const a = await begin({ WebSocket: socketless as never, fetch: fetched, pollInterval: 50 })
    const b = await begin()
    expect(a.connection.transport).toBe(transport)
    expect(await b.put('layers', `by-${transport}`, { x: 1 })).toMatchObject({ outcome: 'applied' })
    await until(() => a.get('layers', `by-${transport}`) !== undefined)
    expect(await a.patch('layers', `by-${transport}`, { x: 2 })).toMatchObject({ outcome: 'applied' })
    await alike(a, b)
    await server.kill()
    const late = a.put('layers', `late-${transport}`, 1)
    await server.start()
    a.retry()
    b.retry()
    expect(await late).toMatchObject({ outcome: 'applied' })
    await alike(a, b)
    expect(await a.actions.plan('stop')).toBeDefined()
  }, 60_000)

  test('only some collections are kept, and proved by their digest', async () => {
    const [all, some] = [await begin(), await begin({ collections: ['layers'] })]
    await all.put('layers', 'some', 1)
    await all.put('chat', 'other', 1)
    await until(() => some.position === all.position)
    expect(some.get('layers', 'some')).toBe(1)
    expect(some.all('chat')).toEqual([])
    // The server sends digests every five seconds: one that did not fit would be reported.
    await new Promise((resolve) => setTimeout(resolve, 6_000))
  })
})

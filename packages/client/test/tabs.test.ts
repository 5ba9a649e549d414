// Tabs in one process: one leads, the others follow; the leader goes, and nothing is lost and nothing twice.
import { afterEach, describe, expect, test, vi } from 'vitest'
import 'fake-indexeddb/auto'
import { connect, type Client, type ClientOptions } from '../src/index.js'
import { indexedDb } from '../src/storage/indexeddb.js'
import { local } from '../src/storage/local.js'
import { memory } from '../src/storage/memory.js'
import type { Storage } from '../src/storage/storage.js'
import type { Hears, Link } from '../src/transport/link.js'
import type { ClientMessage, Commit, ServerMessage } from '../src/types.js'
import { Server } from './model.js'

/** `localStorage` of one origin, for what has none. */
class Store {
  #kept = new Map<string, string>()
  get length(): number { return this.#kept.size }
  key(at: number): string | null { return [...this.#kept.keys()][at] ?? null }
  getItem(key: string): string | null { return this.#kept.get(key) ?? null }
  setItem(key: string, value: string): void { this.#kept.set(key, value) }
  removeItem(key: string): void { this.#kept.delete(key) }
}

/** Locks of one origin: held until what was given ends, then the next one's; stolen when somebody says so. */
class Locks {
  #waiting: { grant: () => void; signal: AbortSignal | undefined }[] = []
  #holder: { reject: (error: Error) => void } | undefined
  request(_name: string, options: { signal?: AbortSignal; steal?: boolean }, held: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        const mine = { reject }
        this.#holder = mine
        void held().then(() => {
          if (this.#holder !== mine) return
          this.#holder = undefined
          resolve()
          this.#next()
        })
      }
      options.signal?.addEventListener('abort', () => reject(new Error('AbortError')))
      if (options.steal) {
        this.#holder?.reject(new Error('AbortError'))
        grant()
      } else {
        this.#waiting.push({ grant, signal: options.signal })
        if (!this.#holder) this.#next()
      }
    })
  }
  #next(): void {
    const next = this.#waiting.shift()
    if (next?.signal?.aborted) this.#next()
    else next?.grant()
  }
}

const clients: Client[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  vi.unstubAllGlobals()
})

let origins = 0
/** A server and a browser with tabs on it. */
function browser(options: Partial<ClientOptions> = {}): { server: Server; links: number[]; open: () => Client; muted: { value: boolean }; storages: Storage[] } {
  const server = new Server()
  server.edit('c', 'a', { x: 0 })
  const links: number[] = []
  const all = new Set<() => void>()
  const muted = { value: false }
  const append = server.append.bind(server)
  server.append = (commit) => {
    append(commit)
    for (const flush of all) flush()
  }
  const socket = (_: unknown, hears: Hears): Link => {
    let at: number | undefined
    let closed = false
    const say = (message: ServerMessage): void => {
      if (!muted.value) queueMicrotask(() => closed || hears.message(structuredClone(message)))
    }
    const flush = (): void => {
      while (at !== undefined && at < server.state.revision) say({ type: 'commit', production: 'main', epoch: server.epoch, ...(server.commits[at++] as Commit) })
    }
    all.add(flush)
    links.push(links.length)
    setTimeout(() => closed || hears.opened(), 1)
    return {
      close() {
        closed = true
        all.delete(flush)
      },
      send(message: ClientMessage) {
        const { epoch, state } = server
        if (message.type === 'hello') say({ type: 'welcome', session: 's', heartbeat: 30_000, role: 'operator', server: '0.1.0', positions: {}, limits: {} as never })
        else if (message.type === 'subscribe') {
          at = message.after ? Number(message.after.split(':')[1]) : state.revision
          say({ type: 'subscribed', production: 'main', epoch, revision: state.revision })
          if (!message.after) say({ type: 'snapshot', production: 'main', epoch, revision: state.revision, documents: state.documents() })
          flush()
        } else if (message.type === 'mutate') {
          const came = server.mutate(message.id, message.mutations)
          say('code' in came ? { type: 'problem', id: message.id, ...came } : { type: 'result', id: message.id, ...came })
        } else if (message.type === 'ping') say({ type: 'pong' })
      },
    }
  }
  origins += 1
  const url = `http://tabs-${origins}.test`
  const storages: Storage[] = []
  const open = (): Client => {
    const client = connect({ url, tabs: true, links: { socket, events: socket, poll: socket }, ...options })
    clients.push(client)
    return client
  }
  return { server, links, open, muted, storages }
}

const until = (holds: () => boolean): Promise<void> => vi.waitFor(() => { if (!holds()) throw new Error(`it does not hold: ${holds}`) }, { timeout: 10_000, interval: 5 })
const chats = (server: Server): (string | undefined)[] => server.commits.flatMap(({ changes, mutation }) => (mutation ? changes.map(({ id }) => id) : []))

describe.each(['locks', 'lease'] as const)('y5 tabs by %s', (by) => {
  const begin = (options: Partial<ClientOptions> = {}): ReturnType<typeof browser> => {
    vi.stubGlobal('localStorage', new Store())
    vi.stubGlobal('navigator', by === 'locks' ? { locks: new Locks() } : {})
    return browser(options)
  }

  test('one connection, one cache, an edit is everywhere at once', async () => {
    const { server, links, open } = begin()
    const tabs = [open(), open(), open()]
    await until(() => tabs.every(({ connection }) => connection.state === 'connected'))
    expect(links).toHaveLength(1)
    const results = await Promise.all(tabs.map((tab, n) => tab.put('c', `t${n}`, n)))
    expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied'])
    await until(() => tabs.every((tab) => tab.all('c').length === 4 && tab.digest === server.state.digest()))
    expect(tabs.map(({ connection }) => connection.pending)).toEqual([0, 0, 0])
  })

  test('the leader is closed in the middle of it: another leads within a second, nothing lost, nothing twice', async () => {
    const { server, links, open, muted } = begin()
    const [first, second, third] = [open(), open(), open()] as [Client, Client, Client]
    await until(() => [first, second, third].every(({ connection }) => connection.state === 'connected'))
    // The server hears, and its answers do not arrive any more.
    muted.value = true
    const edits = [first.put('c', 'e0', 0), second.put('c', 'e1', 1), third.put('c', 'e2', 2)]
    expect(third.get('c', 'e2')).toBe(2)
    await until(() => chats(server).length === 3)
    muted.value = false
    const begun = Date.now()
    first.close()
    edits.push(second.put('c', 'e3', 3))
    const results = await Promise.all(edits.slice(1))
    expect(Date.now() - begun).toBeLessThan(by === 'locks' ? 1_000 : 1_500)
    expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied'])
    expect(chats(server).sort()).toEqual(['e0', 'e1', 'e2', 'e3'])
    expect(links).toHaveLength(2)
    await until(() => [second, third].every(({ digest, connection }) => digest === server.state.digest() && connection.pending === 0))
  })

  test('a tab that opens later shows what waits, and what is given up is given up in all', async () => {
    const { open, muted } = begin()
    const first = open()
    await until(() => first.connection.state === 'connected')
    muted.value = true
    const waiting = first.patch('c', 'a', { x: 1 })
    const second = open()
    await until(() => (second.get('c', 'a') as { x: number } | undefined)?.x === 1)
    second.clear()
    expect(await waiting).toMatchObject({ outcome: 'refused', error: { code: 'cleared' } })
    await until(() => (second.get('c', 'a') as { x: number }).x === 0 && second.connection.pending === 0)
  })
})

describe('y4 storages', () => {
  const kinds: [string, () => Promise<Storage>][] = [
    ['memory', async () => memory()],
    ['local', async () => local('x', new Store() as never)],
    ['indexeddb', () => indexedDb(`test ${Math.random()}`)],
  ]
  test.each(kinds)('%s gives places in order, changes and forgets', async (_, make) => {
    const storage = await make()
    const edits = [{ op: 'put', collection: 'c', document: 'a', value: 1 }] as const
    const pending = (id: string): Parameters<Storage['add']>[0] => ({ id, order: 9e9, at: 1, epoch: 'e', edits, behind: [] })
    const [a, b, c] = await Promise.all([storage.add(pending('a')), storage.add(pending('b')), storage.add(pending('c'))])
    expect((await storage.all()).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(a.order < b.order && b.order < c.order).toBe(true)
    await storage.write([{ ...b, unanswered: 1 }], ['a', 'nobody'])
    expect(await storage.all()).toEqual([{ ...b, unanswered: 1 }, c])
    storage.close()
  })

  test('a reload reads the queue from the database', async () => {
    vi.stubGlobal('localStorage', new Store())
    vi.stubGlobal('navigator', { locks: new Locks() })
    const { server, open, muted } = browser()
    const before = open()
    await until(() => before.connection.state === 'connected')
    muted.value = true
    void before.put('c', 'n1', 1)
    void before.put('c', 'n2', 2)
    await until(() => chats(server).length === 2)
    before.close()
    muted.value = false
    const after = open()
    await until(() => after.connection.state === 'connected' && after.connection.pending === 0)
    expect(chats(server)).toEqual(['n1', 'n2'])
  })

  test('a queue that is full refuses new work and keeps the old; one that cannot be kept says so', async () => {
    const full: Storage = { ...memory(), add: () => Promise.reject(new Error('quota')) }
    const { open, muted } = browser({ tabs: false, queue: 2, storage: memory() })
    const tab = open()
    await until(() => tab.connection.state === 'connected')
    muted.value = true
    void tab.put('c', 'n1', 1)
    void tab.put('c', 'n2', 2)
    expect(await tab.put('c', 'n3', 3)).toMatchObject({ outcome: 'refused', error: { code: 'queue-full', retryable: true } })
    expect(tab.queue()).toHaveLength(2)
    const other = browser({ tabs: false, storage: full }).open()
    await until(() => other.connection.state === 'connected')
    const refused = other.put('c', 'n1', 1)
    expect(other.get('c', 'n1')).toBe(1)
    expect(await refused).toMatchObject({ outcome: 'refused', error: { code: 'storage' } })
    expect(other.get('c', 'n1')).toBeUndefined()
  })
})

describe('y7 listeners', () => {
  test('one change is told at once, a flood in batches, a restore at once', async () => {
    const { server, open } = browser({ tabs: false, storage: memory(), batch: 100 })
    const tab = open()
    await until(() => tab.connection.state === 'connected')
    const batches: number[] = []
    const kinds: string[] = []
    await new Promise((resolve) => setTimeout(resolve, 120))
    tab.subscribe({ collection: 'c' }, (changes) => batches.push(changes.length))
    tab.onAny({ collection: 'c', id: 'a' }, ({ kind }) => kinds.push(kind))
    for (let n = 0; n < 50; n += 1) server.edit('c', `f${n}`, n)
    await until(() => batches.reduce((sum, size) => sum + size, 0) === 50)
    expect(batches.length).toBeLessThanOrEqual(2)
    server.edit('c', 'a', undefined)
    const revision = server.state.revision + 1
    server.append({ revision, at: '', actor: 'x', cause: { kind: 'document.restored' }, changes: [{ op: 'restore', collection: 'c', id: 'a', revision, value: 1 }] })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(kinds).toEqual(['deleted', 'restored'])
    server.edit('c', 'a', undefined)
    await until(() => kinds.length === 3)
    // Shown at once by the one who wants it, and taken back since this server never allows it.
    expect(await tab.restore('c', 'a')).toMatchObject({ outcome: 'refused' })
    expect(kinds).toEqual(['deleted', 'restored', 'deleted', 'restored', 'deleted'])
  })

  test('e2 what was queued before a reload and is refused is reported', async () => {
    const storage = memory()
    await storage.add({ id: 'from-before', order: 0, at: 0, epoch: '', edits: [{ op: 'patch', collection: 'c', document: 'none', patch: { x: 1 } }], behind: [] })
    const { open } = browser({ tabs: false, storage })
    const tab = open()
    const problems: string[] = []
    tab.onReport((report) => report.what === 'problem' && problems.push(report.problem.code))
    await until(() => problems.length > 0)
    await expect(tab.patch('c', 'none', { x: 2 })).resolves.toMatchObject({ outcome: 'refused' })
    expect(problems).toEqual(['not-found'])
    expect(await storage.all()).toEqual([])
    tab.close()
    expect(tab.connection).toMatchObject({ state: 'offline', reason: 'closed' })
  })
})

// A session in its world: the table of what happens to a link, and what is shown and sent meanwhile.
import { describe, expect, test } from 'vitest'
import { patch, put, Server, World } from './model.js'

const begun = (): { server: Server; world: World } => {
  const server = new Server()
  server.edit('c', 'a', { x: 0, y: 0 })
  return { server, world: new World(server).start() }
}
const shown = (world: World, id = 'a'): unknown => world.replica.get('c', id)?.value

describe('links', () => {
  test('y2 a session begins with a snapshot and follows', () => {
    const { server, world } = begun()
    expect(world.session.connection).toMatchObject({ state: 'connected', transport: 'socket', lag: 0, server: '0.1.0', role: 'operator' })
    server.edit('c', 'b', 1)
    world.flush()
    expect(shown(world, 'b')).toBe(1)
    world.digest()
    expect(world.reports()).toEqual([])
  })

  test('y2 a session resumes where it was, and knows its digest', () => {
    const { server, world } = begun()
    world.cut(1001)
    expect(world.session.connection).toMatchObject({ state: 'reconnecting', reason: 'closed 1001', retryInMs: 375 })
    server.edit('c', 'b', 1)
    world.pass(400)
    expect(world.sent.at(-1)).toMatchObject({ type: 'subscribe', after: 'e1:1' })
    expect(world.session.connection.state).toBe('connected')
    expect(shown(world, 'b')).toBe(1)
  })

  test('e3 blocked sockets: events; those blocked too: polling; and back as soon as it goes', () => {
    const server = new Server()
    const world = new World(server)
    world.reachable = (transport) => transport === 'poll'
    world.start()
    expect(world.opens).toEqual(['socket', 'events', 'poll'])
    expect(world.session.connection).toMatchObject({ state: 'connected', transport: 'poll' })
    world.pass(20_000)
    expect(world.session.connection).toMatchObject({ state: 'connected', transport: 'poll' })
    world.reachable = () => true
    world.pass(60_000)
    expect(world.session.connection).toMatchObject({ state: 'connected', transport: 'socket' })
  })

  test('e1 a server that is down: offline, tries further and further apart, and then all is well', () => {
    const { server, world } = begun()
    world.reachable = () => false
    world.cut()
    const waits: (number | null)[] = []
    for (let round = 0; round < 7; round += 1) {
      waits.push(world.session.connection.retryInMs)
      world.tick()
    }
    expect(waits).toEqual([375, 750, 1_500, 3_000, 6_000, 7_500, 7_500])
    expect(world.session.connection.state).toBe('offline')
    server.edit('c', 'a', 1)
    world.reachable = () => true
    world.pass(10_000)
    expect(world.session.connection).toMatchObject({ state: 'connected', transport: 'socket', retryInMs: null })
    expect(shown(world)).toBe(1)
  })

  test.each([
    [{ code: 4403 }, false, 'failed', ['socket']],
    [{ problem: { code: 'origin-refused', status: 403, title: '', detail: '' } }, false, 'failed', ['socket']],
    [{ code: 4401 }, false, 'needs-auth', ['socket']],
    [{ code: 4401 }, true, 'needs-auth', ['socket', 'socket']],
    [{ code: 4429 }, false, 'offline', ['socket']],
  ])('e1 what is hopeless stops: %j renewable %s is %s', (refuse, renewable, state, opens) => {
    const world = new World(new Server(), { renewable })
    world.refuse = refuse
    world.start()
    expect(world.session.connection.state).toBe(state)
    expect(world.opens).toEqual(opens)
    expect(world.timers.size).toBe(state === 'offline' ? 1 : 0)
    if (state === 'offline') expect(world.session.connection.retryInMs).toBeGreaterThanOrEqual(5_000)
    world.refuse = undefined
    world.input({ type: 'reconnect' })
    expect(world.session.connection.state).toBe('connected')
  })

  test('y2 a silent socket is noticed', () => {
    const { world } = begun()
    world.pass(29_000)
    expect(world.sent.at(-1)?.type).toBe('subscribe')
    world.pass(1_000)
    expect(world.sent.at(-1)?.type).toBe('ping')
    expect(world.session.connection.state).toBe('connected')
    world.mute = true
    world.pass(34_500)
    expect(world.session.connection.state).toBe('connected')
    world.pass(1_000)
    expect(world.session.connection).toMatchObject({ state: 'reconnecting', reason: 'silent' })
  })

  test('e4 a server of another version is named once, with both versions', () => {
    const world = new World(new Server())
    world.mischief = (message) => [message.type === 'welcome' ? { ...message, server: '2.0.0' } : message]
    world.start()
    expect(world.told).toContainEqual({ kind: 'report', report: { what: 'version', server: '2.0.0', client: '0.1.0' } })
    expect(world.session.connection).toMatchObject({ state: 'connected', server: '2.0.0' })
    // Coming back to the same is nothing new.
    world.cut()
    world.pass(5_000)
    expect(world.session.connection.state).toBe('connected')
    expect(world.told.filter((told) => told.kind === 'report')).toHaveLength(1)
  })

  test('another log: everything anew, and it is said', () => {
    const { world } = begun()
    const other = new Server()
    other.epoch = 'e2'
    other.edit('c', 'z', 1)
    Object.assign(world.server, { epoch: 'e2', state: other.state, commits: other.commits })
    world.cut()
    world.pass(1_000)
    expect(world.replica.all('c').map(({ id }) => id)).toEqual(['z'])
    expect(world.reports()).toEqual(['epoch'])
  })
})

describe('mutations', () => {
  test('y3 shown at once, confirmed by the commit, told by await', () => {
    const { world } = begun()
    world.held = []
    world.edit('m1', patch('a', { x: 1 }))
    expect(shown(world)).toEqual({ x: 1, y: 0 })
    expect(world.session.connection.pending).toBe(1)
    world.release()
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'applied', receipt: { revision: 2 } })
    expect(world.session.connection.pending).toBe(0)
    expect(world.stored.size).toBe(0)
  })

  test('y3 refused: taken back, and others stay', () => {
    const { world } = begun()
    world.deaf = true
    world.edit('m1', { ...patch('a', { x: 1 }), ifRevision: 99 })
    world.edit('m2', put('b', 2))
    expect(shown(world)).toEqual({ x: 1, y: 0 })
    world.deaf = false
    world.cut()
    world.pass(1_000)
    expect(shown(world)).toEqual({ x: 0, y: 0 })
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'refused', problem: { code: 'revision-mismatch' } })
    expect(world.settled.get('m2')).toMatchObject({ outcome: 'applied' })
  })

  test('y4 a queue survives a crash and is replayed once and in order', () => {
    const { server, world } = begun()
    // It was carried out, and the answer was lost with the tab.
    world.mute = true
    world.edit('m1', put('n1', 1))
    world.mute = false
    world.reachable = () => false
    world.cut()
    for (let n = 2; n <= 5; n += 1) world.edit(`m${n}`, put(`n${n}`, n))
    const after = new World(server)
    for (const [id, pending] of world.stored) after.stored.set(id, pending)
    after.start()
    const log = server.commits.flatMap(({ mutation }) => mutation ?? [])
    expect(log).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    expect([...after.settled.keys()]).toEqual(log)
    expect(after.stored.size).toBe(0)
  })

  test('k1 edits of one document made offline do not conflict with each other, and merge with those of others', () => {
    const { server, world } = begun()
    world.cut()
    world.edit('m1', patch('a', { x: 1 }))
    world.now += 1_000
    world.edit('m2', patch('a', { x: 2 }))
    world.now += 1_000
    world.edit('m3', patch('a', { x: 3, z: 3 }))
    server.edit('c', 'a', { x: 0, y: 9 })
    world.pass(1_000)
    expect(server.state.get('c', 'a')?.value).toEqual({ x: 3, y: 9, z: 3 })
    expect([...world.settled].map(([id, { outcome }]) => `${id} ${outcome}`)).toEqual(['m1 merged', 'm2 applied', 'm3 merged'])
    expect(shown(world)).toEqual({ x: 3, y: 9, z: 3 })
  })

  test('k1 a document that is as it was is edited from the newest revision, also when the base is long gone', () => {
    const { server, world } = begun()
    world.cut()
    world.edit('m1', patch('a', { x: 1 }))
    world.edit('m2', patch('b', { x: 1 }))
    for (let n = 0; n < 3; n += 1) server.edit('c', `other${n}`, n)
    server.edit('c', 'b', { x: 0, y: 0 })
    world.pass(1_000)
    const bases = world.sent.flatMap((message) => (message.type === 'mutate' ? message.mutations.map(({ base }) => base) : []))
    expect(bases).toEqual([5, 1])
  })

  test('k2 a field that somebody else changed is a conflict, also behind an edit of another field', () => {
    const { server, world } = begun()
    world.cut()
    world.edit('m1', patch('a', { x: 1 }))
    world.now += 1_000
    world.edit('m2', patch('a', { y: 2 }))
    server.edit('c', 'a', { x: 0, y: 9 })
    world.pass(1_000)
    expect(server.state.get('c', 'a')?.value).toEqual({ x: 1, y: 9 })
    expect([...world.settled].map(([id, { outcome }]) => `${id} ${outcome}`)).toEqual(['m1 merged', 'm2 conflict'])
  })

  test('y3 a fader is one mutation at a time, and ends where it was left', () => {
    const { server, world } = begun()
    world.held = []
    for (let x = 1; x <= 60; x += 1) {
      world.now += 16
      world.edit(`m${x}`, patch('a', { x }))
    }
    expect(world.session.connection.pending).toBe(60)
    expect(world.stored.size).toBeLessThan(6)
    world.release()
    expect(server.state.get('c', 'a')?.value).toEqual({ x: 60, y: 0 })
    expect(world.settled.size).toBe(60)
    expect(world.session.connection.pending).toBe(0)
  })

  test('e2 what the server cannot take now stays and is tried again', () => {
    const { server, world } = begun()
    const { mutate } = server
    server.mutate = () => ({ see: '', code: 'engine-unavailable', status: 503, title: '', detail: '' })
    world.edit('m1', put('b', 1))
    world.pass(3_000)
    expect(shown(world, 'b')).toBe(1)
    expect(world.settled.size).toBe(0)
    server.mutate = mutate
    world.pass(10_000)
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'applied' })
  })

  test('e2 one that is never answered stops after three times, is taken back, and goes on by hand', () => {
    const { server, world } = begun()
    const { mutate } = server
    world.mischief = (message) => (message.type === 'result' || message.type === 'problem' ? [] : [message])
    server.mutate = (id, mutations) => (id === 'm1' ? { see: '', code: 'internal', status: 500, title: '', detail: '' } : mutate.call(server, id, mutations))
    world.edit('m1', put('b', 1))
    world.pass(60_000)
    expect(world.replica.queue()[0]?.problem?.code).toBe('unanswered')
    expect(shown(world, 'b')).toBeUndefined()
    world.edit('m2', put('d', 1))
    expect(world.settled.get('m2')).toMatchObject({ outcome: 'applied' })
    server.mutate = mutate
    world.mischief = (message) => [message]
    world.input({ type: 'retry' })
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'applied' })
  })

  test('e2 what is cleared is out, and told so', () => {
    const { world } = begun()
    world.cut()
    world.edit('m1', put('b', 1))
    world.input({ type: 'clear' })
    expect(shown(world, 'b')).toBeUndefined()
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'refused', problem: { code: 'cleared' } })
    expect(world.stored.size).toBe(0)
  })

  test('e2 what is cleared while it is being stored is out as soon as it is', () => {
    const { server, world } = begun()
    const pending = { id: 'm1', order: 9e15, at: world.now, epoch: 'e1', edits: [put('b', 1)], behind: [] }
    world.replica.apply({ kind: 'queue', put: [pending], drop: [] })
    world.input({ type: 'clear' })
    world.input({ type: 'queued', pending: { ...pending, order: 1 } })
    expect(world.settled.get('m1')).toMatchObject({ outcome: 'refused', problem: { code: 'cleared' } })
    expect(server.state.get('c', 'b')).toBeUndefined()
    expect(shown(world, 'b')).toBeUndefined()
  })

  test('l4 actions are for now', () => {
    const { world } = begun()
    world.input({ type: 'act', id: 'a1', action: 'initialize' })
    expect(world.acted.get('a1')).toEqual({ revision: 1, sequence: 'q', phase: 'ready' })
    world.cut()
    world.input({ type: 'act', id: 'a2', action: 'start' })
    expect(world.acted.get('a2')).toMatchObject({ code: 'offline' })
  })
})

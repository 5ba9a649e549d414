// Servers that lie: frames doubled, reordered, cut, lost, wrong digests, snapshots of the past. Whatever they do, what
// a client shows was true at some revision, and once they stop it is in step; every mutation is done once.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../src/json/value.js'
import { Replica } from '../src/replica.js'
import type { Json, ServerMessage } from '../src/types.js'
import { AT, patch, put, Server, World } from './model.js'

type Trick = 'none' | 'lose' | 'double' | 'swap' | 'cut' | 'digest' | 'past' | 'alien' | 'future'

/** What a trick makes of a message; `swap` keeps one back. */
function tricky(server: Server, kept: { message?: ServerMessage }, trick: Trick, message: ServerMessage): unknown[] {
  const released = kept.message ? [kept.message] : []
  delete kept.message
  switch (trick) {
    case 'none':
      return [message, ...released]
    case 'lose':
      return released
    case 'double':
      return [message, message, ...released]
    case 'swap':
      kept.message = message
      return released
    case 'cut':
      return [JSON.stringify(message).slice(0, 20), ...released]
    case 'digest':
      return [message, { type: 'digest', production: 'main', revision: server.state.revision, digest: '0'.repeat(16) }, ...released]
    case 'past':
      return [{ type: 'snapshot', production: 'main', epoch: server.epoch, revision: 1, documents: { c: { a: { revision: 1, value: 'old' } } } }, message, ...released]
    case 'alien':
      return [{ type: 'commit', production: 'main', epoch: 'other', revision: 2, at: AT, actor: 'x', cause: { kind: 'batch' }, changes: [] }, message, ...released]
    case 'future':
      return [{ type: 'commit', production: 'main', epoch: server.epoch, revision: server.state.revision + 5, at: AT, actor: 'x', cause: { kind: 'batch' }, changes: [{ op: 'put', collection: 'c', id: 'a', revision: server.state.revision + 5, value: 'lie' }] }, message, ...released]
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('edit' as const), id: fc.constantFrom('a', 'b', 'd'), value: fc.integer({ max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('mine' as const), id: fc.constantFrom('a', 'b', 'd'), field: fc.constantFrom('x', 'y'), value: fc.integer({ max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('digest' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20_000 }) }) },
)
const tricks = fc.array(fc.constantFrom<Trick>('none', 'none', 'none', 'lose', 'double', 'swap', 'cut', 'digest', 'past', 'alien', 'future'), { minLength: 1, maxLength: 40 })

test('y6 a hostile server is noticed, and a client never shows what was not', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), tricks, (steps, plan) => {
      const server = new Server()
      server.edit('c', 'a', { x: 0, y: 0 })
      server.edit('c', 'b', { x: 0, y: 0 })
      const world = new World(server)
      const kept: { message?: ServerMessage } = {}
      let turn = 0
      const truths = new Map<number, string>()
      const remember = (): void => void truths.set(server.state.revision, canonical(server.state.documents() as unknown as Json))
      const append = server.append.bind(server)
      server.append = (commit) => {
        append(commit)
        remember()
      }
      remember()
      world.mischief = (message) => {
        turn += 1
        return tricky(server, kept, plan[turn % plan.length] as Trick, message)
      }
      const isTrue = (): void => {
        const { cache } = world.replica
        if (cache.epoch === '' || world.session.connection.state !== 'connected') return
        expect(canonical(cache.documents() as unknown as Json)).toBe(truths.get(cache.revision))
      }
      world.start()
      let mine = 0
      for (const one of steps) {
        if (one.do === 'edit') server.edit('c', one.id, { x: one.value, y: one.value })
        else if (one.do === 'mine') world.edit(`m${(mine += 1)}`, world.replica.get('c', one.id) ? patch(one.id, { [one.field]: one.value }) : put(one.id, { [one.field]: one.value }))
        else if (one.do === 'flush') world.flush()
        else if (one.do === 'digest') world.digest()
        else if (one.do === 'cut') world.cut()
        else world.pass(one.ms)
        // A lying commit that follows exactly cannot be told from a true one before a digest; none of the tricks is that.
        isTrue()
      }
      // From here on the server is honest.
      world.mischief = (message) => [message]
      delete kept.message
      for (let round = 0; round < 12; round += 1) {
        world.pass(30_000)
        world.digest()
      }
      const parked = world.replica.queue().filter(({ problem }) => problem).length
      world.input({ type: 'retry' })
      world.pass(60_000)
      world.digest()
      expect(world.session.connection).toMatchObject({ state: 'connected', pending: 0, lag: 0 })
      expect(world.replica.cache.documents()).toEqual(server.state.documents())
      expect(world.replica.all('c').map(({ id, value }) => [id, value])).toEqual(Object.entries(server.state.documents()['c'] ?? {}).sort().map(([id, { value }]) => [id, value]))
      const done = server.commits.flatMap(({ mutation }) => mutation ?? [])
      expect(new Set(done).size, 'nothing twice').toBe(done.length)
      expect(world.settled.size, 'nothing lost').toBe(mine)
      expect(world.stored.size).toBe(0)
      // Those that had stopped for want of an answer went on later, by hand.
      if (parked === 0) expect(done).toEqual([...done].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))))
    }),
    { numRuns: 500 },
  )
})

test('y6 a wrong digest is reported and healed by reading anew, and does not end in a flood', () => {
  const server = new Server()
  server.edit('c', 'a', 1)
  const world = new World(server).start()
  const wrong = { type: 'digest', production: 'main', revision: 1, digest: 'f'.repeat(16) } as const
  world.say(wrong)
  expect(world.reports()).toEqual(['diverged'])
  expect(world.sent.slice(-2)).toMatchObject([{ type: 'subscribe', after: 'e1:1' }, { type: 'subscribe' }])
  expect(world.session.connection.state).toBe('connected')
  const before = world.sent.length
  for (let round = 0; round < 100; round += 1) world.say(wrong)
  expect(world.sent.length - before).toBeLessThan(10)
  expect(world.session.connection.state).toBe('reconnecting')
})

test('y6 what went astray here is not shown as the truth until it was read anew', () => {
  const server = new Server()
  server.edit('c', 'a', 1)
  const world = new World(server).start()
  world.replica.cache.load('e1', 1, { c: { a: { revision: 1, value: 'astray' } } })
  world.held = []
  world.held = undefined
  world.mute = false
  world.digest()
  expect(world.reports()).toEqual(['diverged'])
  expect(world.replica.get('c', 'a')?.value).toBe(1)
})

test('y3 what is shown is what is confirmed with the edits on top, however they come', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ field: fc.constantFrom('x', 'y', 'z'), value: fc.integer({ max: 3 }), mine: fc.boolean(), flush: fc.boolean() }), { maxLength: 30 }), (edits) => {
      const server = new Server()
      server.edit('c', 'a', { x: 0, y: 0, z: 0 })
      const world = new World(server).start()
      world.held = []
      for (const [at, { field, value, mine, flush }] of edits.entries()) {
        world.now += 300
        if (mine) world.edit(`m${at}`, patch('a', { [field]: value }))
        else server.edit('c', 'a', { ...(server.state.get('c', 'a')?.value as object), [field]: value } as Json)
        const before = world.replica.get('c', 'a')?.value as Record<string, number>
        // One's own edit is seen at once, where nobody else is known to have changed the field.
        if (mine && world.replica.behind('c', 'a').length === 1) expect(before[field]).toBe(value)
        if (flush) {
          world.release()
          world.flush()
          world.held = []
        }
      }
      world.release()
      world.flush()
      expect(world.replica.get('c', 'a')?.value).toEqual(server.state.get('c', 'a')?.value)
      expect(world.session.connection.pending).toBe(0)
    }),
  )
})

test('y2 a commit costs what it changes: the other documents stay the same objects', () => {
  const replica = new Replica()
  const entries = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`d${n}`, { revision: 1, value: { n } }]))
  replica.apply({ kind: 'snapshot', epoch: 'e', revision: 1, documents: { c: entries, other: entries } })
  const [before, others] = [replica.all('c'), replica.all('other')]
  const commit = { revision: 2, at: AT, actor: 'x', cause: { kind: 'batch' }, changes: [{ op: 'put', collection: 'c', id: 'd1', revision: 2, value: 1 }] } as const
  expect(replica.apply({ kind: 'commit', commit })).toHaveLength(1)
  expect(replica.all('other')).toBe(others)
  expect(replica.all('c').filter((one, at) => one.value !== before[at]?.value).map(({ id }) => id)).toEqual(['d1'])
})

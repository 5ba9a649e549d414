// How much a long queue costs, counted and not timed; and that handing on from one edit to the next loses nothing.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Edit } from '../src/pending.js'
import { patch, put, Server, World } from './model.js'

const EDITS = 400

/** A world with that many edits made offline, and what it costs until all are answered. */
function drained(edit: (n: number) => Edit[], server = new Server()): { world: World; said: number; changed: number } {
  const world = new World(server).start()
  world.reachable = () => false
  world.cut()
  for (let n = 0; n < EDITS; n += 1) {
    world.now += 1_000
    world.edit(`m${n}`, ...edit(n))
  }
  // Each answer is one piece of news of as few edits as it changes: that is what other tabs are told.
  let changed = 0
  const apply = world.replica.apply.bind(world.replica)
  world.replica.apply = (news) => {
    if (news.kind === 'queue') changed += news.put.length
    return apply(news)
  }
  world.written = 0
  world.sent.length = 0
  world.reachable = () => true
  world.pass(60_000)
  return { world, said: world.sent.filter(({ type }) => type === 'mutate').length, changed }
}

describe('y4 a long queue', () => {
  // Every answer rewrote, told and merged all edits behind it: 400 of one layer wrote 80,219 records, 349 MB.
  test(`${EDITS} edits of one document are each said once and written twice`, () => {
    const server = new Server()
    server.edit('c', 'a', { x: 0, y: 0 })
    const { world, said, changed } = drained((n) => [patch('a', { [n % 2 ? 'x' : 'y']: n })], server)
    expect(world.settled.size).toBe(EDITS)
    expect([...world.settled.values()].every(({ outcome }) => outcome === 'applied')).toBe(true)
    expect(said).toBe(EDITS)
    // With what came of the one before, and with what is said; then it is dropped.
    expect(world.written).toBeLessThanOrEqual(2 * EDITS)
    expect(world.dropped).toBe(EDITS)
    expect(changed).toBeLessThanOrEqual(EDITS)
    expect(world.stored.size).toBe(0)
  })

  test('nor is it more when somebody else was there', () => {
    const server = new Server()
    server.edit('c', 'a', { x: 0, y: 0 })
    const world = new World(server).start()
    world.reachable = () => false
    world.cut()
    for (let n = 0; n < EDITS; n += 1) {
      world.now += 1_000
      world.edit(`m${n}`, patch('a', { [`f${n % 4}`]: n }))
    }
    server.edit('c', 'a', { x: 1, y: 0 })
    world.written = 0
    world.reachable = () => true
    let longest = 0
    const write = world.stored.set.bind(world.stored)
    world.stored.set = (id, pending) => {
      longest = Math.max(longest, pending.trail?.['c/a']?.length ?? 0)
      return write(id, pending)
    }
    world.pass(60_000)
    expect([...world.settled.values()].filter(({ outcome }) => outcome !== 'merged')).toEqual([])
    expect(world.written).toBeLessThanOrEqual(2 * EDITS)
    // What is handed on is as long as the document, not as the queue.
    expect(longest).toBeLessThanOrEqual(5)
  })

  test(`${EDITS} edits of as many documents are written once`, () => {
    const { world, said } = drained((n) => [put(`d${n}`, n)])
    expect([said, world.written, world.dropped]).toEqual([EDITS, EDITS, EDITS])
  })

  test('k1 naming the last edit comes to what naming all of them does', () => {
    const field = fc.constantFrom('x', 'y', 'z')
    const value = fc.integer({ min: 0, max: 9 })
    const change = fc.oneof(
      { weight: 6, arbitrary: fc.dictionary(field, value, { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => patch('a', fields)) },
      { weight: 2, arbitrary: fc.tuple(field, field, value).map(([at, within, n]) => patch('a', { deep: { [at]: n, [within]: n } })) },
      { weight: 1, arbitrary: fc.dictionary(field, value, { noNullPrototype: true }).map((fields) => put('a', fields)) },
    )
    // An edit, and whether somebody else edits before it is heard.
    const step = fc.record({ change, other: fc.option(fc.tuple(field, value), { freq: 4 }) })
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), fc.integer({ min: 0, max: 5 }), (steps, crash) => {
      const [last, all] = [false, true].map((namesAll) => {
        const server = new Server()
        server.edit('c', 'a', { x: 0, y: 0, z: 0, deep: { x: 0 } })
        const world = new World(server).start()
        world.namesAll = namesAll
        world.reachable = () => false
        world.cut()
        for (const [n, { change }] of steps.entries()) {
          world.now += 1_000
          world.edit(`m${n}`, change)
        }
        const mutate = server.mutate.bind(server)
        let heard = 0
        server.mutate = (id, mutations) => {
          const other = steps[heard]?.other
          heard += 1
          const before = server.state.get('c', 'a')?.value
          if (other) server.edit('c', 'a', { ...(before as object), [other[0]]: other[1] + 100 })
          return mutate(id, mutations)
        }
        // The tab goes once in the middle, and the next one has what was stored.
        let next = world
        world.reachable = () => true
        if (crash > 0) {
          const hear = server.mutate
          server.mutate = (id, mutations) => {
            if (heard >= crash) world.mute = true
            return hear(id, mutations)
          }
          world.pass(3_000)
          next = new World(server)
          for (const [id, pending] of world.stored) next.stored.set(id, pending)
          next.start()
        }
        next.pass(120_000)
        // Who names all is cut into parts early and may be merged with itself: that is as good as applied.
        const came = steps.map((_, n) => (next.settled.get(`m${n}`) ?? world.settled.get(`m${n}`))?.outcome)
        const outcomes = came.map((outcome) => (outcome === 'merged' ? 'applied' : outcome))
        return { outcomes, state: server.state.get('c', 'a')?.value, left: next.stored.size }
      }) as [unknown, unknown]
      expect(last).toEqual(all)
    }), { numRuns: Number(process.env['RUNS'] ?? 200) })
  })
})

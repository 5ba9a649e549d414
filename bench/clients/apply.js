// What a commit costs a client, with ten documents in the cache and with ten thousand: the cache alone, with its digest, and
// what is shown (ten edits pending). Beside it a Y.Map with as many values and an update of one. Microseconds per commit.
import { Cache, Replica } from '@onair/client/core'
import * as Y from 'yjs'
import { quantile, sorted } from './numbers.js'

const ROUNDS = 7
const COMMITS = 2_000

const value = (n) => ({ title: `Layer ${n}`, visible: n % 2 === 0, x: n, y: n * 2, text: 'x'.repeat(100) })
const documents = (count) => ({
  layers: Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, { revision: 1, value: value(n) }])),
})
/** Commits that each change one document. */
const commits = (count) =>
  Array.from({ length: COMMITS }, (_, n) => ({
    revision: n + 2, at: 0, cause: { kind: 'mutation' }, actor: { kind: 'operator' },
    changes: [{ collection: 'layers', id: `l${(n * 7919) % count}`, op: 'put', value: value(n) }],
  }))

const ways = {
  'cache': (count) => {
    const cache = new Cache()
    cache.load('e', 1, documents(count))
    return (commit) => cache.apply(commit)
  },
  'cache and digest': (count) => {
    const cache = new Cache()
    cache.load('e', 1, documents(count))
    cache.digest()
    return (commit) => {
      cache.apply(commit)
      cache.digest()
    }
  },
  'what is shown': (count) => {
    const replica = new Replica()
    replica.apply({ kind: 'snapshot', epoch: 'e', revision: 1, documents: documents(count) })
    const put = Array.from({ length: 10 }, (_, n) => ({
      id: `m${n}`, order: n, at: 0, epoch: 'e', behind: [],
      edits: [{ op: 'patch', collection: 'layers', document: `l${n}`, patch: { x: -1 }, was: value(n) }],
    }))
    replica.apply({ kind: 'queue', put, drop: [] })
    return (commit) => replica.apply({ kind: 'commit', commit })
  },
  'Y.Map': (count) => {
    const [theirs, ours] = [new Y.Doc(), new Y.Doc()]
    const [map, own] = [theirs.getMap('layers'), ours.getMap('layers')]
    theirs.transact(() => Array.from({ length: count }, (_, n) => map.set(`l${n}`, value(n))))
    Y.applyUpdate(ours, Y.encodeStateAsUpdate(theirs))
    own.observe(() => undefined)
    const updates = []
    theirs.on('update', (update) => updates.push(update))
    for (const { changes: [{ id, value }] } of commits(count)) map.set(id, value)
    let at = 0
    return () => Y.applyUpdate(ours, updates[at++])
  },
}

for (const [way, make] of Object.entries(ways)) {
  const cells = [10, 10_000].map((count) => {
    const times = []
    // The first round warms up.
    for (let round = -1; round < ROUNDS; round += 1) {
      const [apply, all] = [make(count), commits(count)]
      const begun = performance.now()
      for (const commit of all) apply(commit)
      if (round >= 0) times.push(((performance.now() - begun) * 1_000) / COMMITS)
    }
    return quantile(sorted(times), 0.5)
  })
  console.log(`${way.padEnd(17)} 10 documents ${cells[0].toFixed(2)} µs; 10,000 documents ${cells[1].toFixed(2)} µs; ratio ${(cells[1] / cells[0]).toFixed(2)}`)
}

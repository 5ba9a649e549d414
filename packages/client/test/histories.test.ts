// Histories that a server made, folded here: the same digest behind every commit, from the first and from a snapshot.
import { expect, test } from 'vitest'
import { Cache } from '../src/cache.js'
import { read } from '../src/session/message.js'
import type { Commit, Documents } from '../src/types.js'
import { fixture } from './fixtures.js'

interface History { seed: number; commits: Commit[]; digests: string[]; snapshot: { revision: number; documents: Documents } }

test('y6 histories come to the digests that the server has', () => {
  const { cases } = fixture<{ cases: History[] }>('histories/histories.json')
  let folded = 0
  for (const { seed, commits, digests, snapshot } of cases) {
    const [first, late] = [new Cache(), new Cache()]
    for (const [at, commit] of commits.entries()) {
      const name = `history ${seed} behind ${commit.revision}`
      expect(read({ ...commit, type: 'commit', production: 'main', epoch: 'e' }), name).toBeDefined()
      expect(first.apply(commit), name).toBe('applied')
      expect(first.digest(), name).toBe(digests[at])
      if (commit.revision > snapshot.revision) expect(late.apply(commit), name).toBe('applied')
      if (commit.revision === snapshot.revision) late.load('e', snapshot.revision, snapshot.documents)
      if (commit.revision >= snapshot.revision) expect(late.digest(), name).toBe(digests[at])
      folded += 1
    }
    expect(late.documents(), `history ${seed}`).toEqual(first.documents())
  }
  expect(cases.length).toBe(200)
  expect(folded).toBeGreaterThan(1000)
})

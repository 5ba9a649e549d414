// What another language computes, this one computes alike: digests, merges, patches, by the golden files.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cache } from '../src/cache.js'
import { lanesOf, written } from '../src/json/digest.js'
import { canonical, equal, jsonOf, NotJson } from '../src/json/value.js'
import { merge, type Clash, type Strategies } from '../src/merge.js'
import { composed, difference, divided, patched } from '../src/patch.js'
import { read } from '../src/session/message.js'
import type { Commit, Documents, Json, JsonObject } from '../src/types.js'
import { fixture, fixturesOf } from './fixtures.js'

type Digested = { collection: string; id: string; revision: number; json: string; canonical: string; digest: string }

test('y6 digests of documents', () => {
  for (const { collection, id, revision, json, ...wanted } of fixture<{ cases: Digested[] }>('digest/documents.json').cases) {
    const value = JSON.parse(json) as Json
    expect(canonical([collection, id, revision, value])).toBe(wanted.canonical)
    expect(written(lanesOf(collection, id, revision, value)), json).toBe(wanted.digest)
  }
})

test('y6 digests of a state that commits change', () => {
  const { cases } = fixture<{ cases: { commit: Commit; digest: string; documents: Documents }[] }>('digest/commits.json')
  const [kept, late] = [new Cache(), new Cache()]
  for (const { commit, digest, documents } of cases) {
    expect(kept.apply(commit)).toBe('applied')
    expect(kept.documents()).toEqual(documents)
    expect(kept.digest()).toBe(digest)
    late.load('e', commit.revision, documents)
    expect(late.digest(), 'kept and computed anew').toBe(digest)
    expect(kept.apply(commit)).toBe('known')
    expect(kept.apply({ ...commit, revision: commit.revision + 2 })).toBe('gap')
  }
})

interface Case { name: string; base?: Json; local?: Json; server?: Json; strategies?: Strategies; value?: Json; clashes: Clash[] }

describe('k1 merges', () => {
  for (const file of fixturesOf('merge')) {
    const { cases } = fixture<{ cases: Case[] }>(file)
    test.each(cases)(`${file}: $name`, ({ base, local, server, strategies, value, clashes }) => {
      const merged = merge(base, local, server, strategies)
      expect(merged.value).toEqual(value)
      expect(canonical(merged.clashes as unknown as Json)).toBe(canonical(clashes as unknown as Json))
    })
  }
})

test('d1 commits of the log are read', () => {
  const { cases } = fixture<{ cases: { name: string; text: string }[] }>('wire/commits.json')
  for (const { name, text } of cases) {
    const commit = JSON.parse(text) as Commit
    const cache = new Cache()
    cache.load('e', commit.revision - 1, {})
    expect(cache.apply(commit), name).toBe('applied')
  }
})

test('d8 what is no commit is not believed; what a newer server may say besides is', () => {
  const commit = (text: string): unknown => {
    const value = JSON.parse(text) as object | null
    return Array.isArray(value) || value === null ? value : { ...value, type: 'commit', production: 'main' }
  }
  for (const { name, text } of fixture<{ cases: { name: string; text: string }[] }>('wire/commits.json').cases) {
    expect(read(commit(text)), name).toBeDefined()
  }
  const believed = fixture<string[]>('wire/not-commits.json').filter((text) => read(commit(text)) !== undefined)
  const lenient = ['"extra":1', 'sorcery', 'yesterday', 'a/b', 'xyz', '"op":"delete"', '"cause"']
  for (const text of believed) expect(lenient.some((part) => text.includes(part)), text).toBe(true)
  for (const said of [undefined, null, 1, [], {}, { type: 1 }, { type: 'snapshot' }, { type: 'digest', revision: -1, digest: '' }]) {
    expect(read(said)).toBeUndefined()
  }
  expect(read({ type: 'from-the-future' })).toEqual({ type: 'unknown' })
})

test('the examples of RFC 7396', () => {
  const table: [Json, Json, Json][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c', 'd'], ['c', 'd']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]
  for (const [before, patch, after] of table) expect(patched(before, patch)).toEqual(after)
})

const object = fc.object({ maxDepth: 2, key: fc.constantFrom('a', 'b', 'c', '__proto__'), values: [fc.integer(), fc.constant(null), fc.string()] }) as fc.Arbitrary<JsonObject>

test('a patch leaves what it does not touch as the same object', () => {
  const before = { a: { deep: [1] }, b: 1 }
  expect((patched(before, { b: 2 }) as typeof before).a).toBe(before.a)
})

test('two patches in one do what they do one by one', () => {
  fc.assert(fc.property(object, object, object, (target, first, second) => {
    const both = composed(first, second)
    if (both !== undefined) expect(canonical(patched(target, both))).toBe(canonical(patched(patched(target, first), second)))
  }))
})

test('a difference makes the one of the other, or says that no patch can', () => {
  fc.assert(fc.property(object, object, (before, after) => {
    const patch = difference(before, after)
    if (patch) expect(canonical(patched(before, patch))).toBe(canonical(after))
  }))
})

test('the parts of a divided patch make the whole, and only one meets the other', () => {
  fc.assert(fc.property(object, object, object, (target, patch, other) => {
    const { both, only } = divided(patch, other)
    let value: Json = target
    if (only !== undefined) value = patched(value, only)
    if (both !== undefined) value = patched(value, both)
    if (both !== undefined || only !== undefined) expect(canonical(value)).toBe(canonical(patched(target, patch)))
    if (only !== undefined) expect(divided(only, other).both).toBeUndefined()
  }))
})

test('equal is what the canonical text says', () => {
  fc.assert(fc.property(object, object, (a, b) => { expect(equal(a, b)).toBe(canonical(a) === canonical(b)) }))
})

test('b4 what would be rounded or lost is refused with its place', () => {
  const place = (value: unknown): string | undefined => {
    try { jsonOf(value) } catch (error) { return (error as NotJson).pointer }
    return undefined
  }
  let deep: unknown = 1
  for (let level = 0; level < 70; level += 1) deep = [deep]
  expect(place({ a: [1, 2 ** 53] })).toBe('/a/1')
  expect(place({ 'a/b': NaN })).toBe('/a~1b')
  expect(place(undefined)).toBe('')
  expect(place('\ud800')).toBe('')
  expect(place(deep)).toBeDefined()
  expect(place({ at: new Date(0), gone: undefined, n: 1e300, m: null })).toBeUndefined()
})

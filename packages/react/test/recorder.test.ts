// The flight recorder against a log of a hundred thousand commits: what it asks for, how long it takes, what it keeps.
import type { Client, Commit, Documents, Json } from '@onair/client'
import { OnairError } from '@onair/client'
import { Cache } from '@onair/client/core'
import { describe, expect, test } from 'vitest'

import { between, linesOf } from '../src/monitor/difference.js'
import { Recorder } from '../src/monitor/timeline/recorder.js'

const KINDS = ['document.patched', 'sequence.step', 'service.changed', 'conflict.opened', 'settings.changed'] as const

function commit(revision: number): Commit {
  return {
    revision, at: new Date(1_700_000_000_000 + revision * 36).toISOString(), actor: 'operator:kim', cause: { kind: KINDS[revision % KINDS.length] ?? 'batch' },
    changes: [{ op: 'put', collection: 'layers', id: `l${revision % 7}`, revision, value: { n: revision } }],
  }
}

/** What a server answers that has such a log, from `oldest` on. */
function house(last: number, oldest = 1): { readonly client: Client; readonly asked: string[]; grow(): void } {
  const asked: string[] = []
  const listeners = new Set<() => void>()
  let newest = last
  const changes = (after: number, limit: number): Json => {
    if (after + 1 < oldest) throw new OnairError({ code: 'compacted', status: 410, title: '', detail: '', oldest })
    const count = Math.max(0, Math.min(limit, newest - after))
    return { commits: Array.from({ length: count }, (_, at) => commit(after + at + 1)) as unknown as Json, epoch: 'e1', revision: newest }
  }
  const http = {
    production: 'main',
    json: async (path: string) => {
      asked.push(path)
      const query = new URLSearchParams(path.split('?')[1])
      return changes(Number(query.get('after')), Number(query.get('limit')))
    },
    read: async (path: string) => {
      asked.push(path)
      const cache = new Cache()
      const at = Number(new URLSearchParams(path.split('?')[1]).get('at'))
      // Only the last commits matter: each puts one of seven documents.
      cache.load('e1', Math.max(0, at - 7), {})
      for (let revision = Math.max(0, at - 7) + 1; revision <= at; revision += 1) cache.apply(commit(revision))
      return { documents: cache.documents() }
    },
  }
  const client = { http, get position() { return `e1:${newest}` }, subscribe: (_: unknown, listener: () => void) => (listeners.add(listener), () => listeners.delete(listener)) }
  return { client: client as unknown as Client, asked, grow: () => { newest += 1; for (const each of listeners) each() } }
}

/** The seven documents as they are at a revision. */
const wanted = (revision: number): string[] => Array.from({ length: 7 }, (_, at) => revision - at).map((n) => `l${n % 7}=${n}`).sort()
const got = (documents: Documents): string[] => Object.entries(documents['layers'] ?? {}).map(([id, { value }]) => `${id}=${(value as { readonly n: number }).n}`).sort()

describe('the recorder', () => {
  test('m3 a hundred thousand commits are open before any of them is read', async () => {
    const { client, asked } = house(100_000)
    const recorder = new Recorder(client)
    await recorder.open()
    expect([recorder.oldest, recorder.newest, asked.length]).toEqual([1, 100_000, 1])
    expect(got((await recorder.stateAt(61_234)).documents)).toEqual(wanted(61_234))
    expect(asked.slice(1).sort()).toEqual(['/v1/productions/main?at=61000&whole=true', 'changes?after=61000&limit=500'])
  })

  test('m3 a scrub within a page asks for nothing, and what is kept has a limit', async () => {
    const { client, asked } = house(100_000)
    const recorder = new Recorder(client)
    await recorder.stateAt(500)
    const before = asked.length
    for (const revision of [7, 120, 121, 499, 400, 8]) expect(got((await recorder.stateAt(revision)).documents)).toEqual(wanted(revision))
    expect(asked.length).toBe(before)
    for (let page = 0; page < 40; page += 1) await recorder.stateAt(page * 500 + 250)
    const again = asked.length
    await recorder.stateAt(300)
    expect(asked.length - again, 'the first page was let go').toBe(1)
  })

  test('m3 the rows of all commits are read in few questions, the newest first, and added up per column', async () => {
    const { client, asked } = house(100_000)
    const recorder = new Recorder(client)
    await recorder.fill(1, 100_000)
    expect(asked.length).toBeLessThanOrEqual(21)
    expect(asked[0]).toBe('changes?after=95000&limit=5000')
    const into = new Uint32Array(6)
    recorder.count(1, 100_000, into)
    expect([...into]).toEqual([20_000, 20_000, 20_000, 20_000, 20_000, 0])
    await recorder.fill(1, 100_000)
    expect(asked.length).toBeLessThanOrEqual(21)
  })

  test('m3 a log whose beginning is no longer kept begins where it is', async () => {
    const { client } = house(2_000, 1_201)
    const recorder = new Recorder(client)
    await recorder.open()
    expect(recorder.oldest).toBe(1_201)
    await recorder.fill(recorder.oldest, recorder.newest)
    expect(recorder.error).toBeUndefined()
    expect(got((await recorder.stateAt(1_230)).documents)).toEqual(wanted(1_230))
  })

  test('m3 the line grows with the log', async () => {
    const { client, grow } = house(10)
    const recorder = new Recorder(client)
    await recorder.stateAt(10)
    grow()
    expect(recorder.newest).toBe(11)
    expect(got((await recorder.stateAt(11)).documents)).toEqual(wanted(11))
    expect((await recorder.commit(11))?.revision).toBe(11)
  })
})

describe('differences', () => {
  test('m3 two states differ in documents and fields', () => {
    const at = (value: Json, revision: number) => ({ value, revision })
    const before: Documents = { a: { same: at(1, 1), gone: at(1, 1), other: at({ x: 1, 'y/z': [1], deep: { k: 1 } }, 1) } }
    const after: Documents = { a: { same: at(1, 1), other: at({ x: 1, 'y/z': [2], deep: { k: null } }, 2) }, b: { here: at('n', 2) } }
    expect(between(before, after)).toEqual([
      { key: 'a/gone', kind: 'removed', fields: [{ path: '', before: 1, after: undefined }] },
      { key: 'a/other', kind: 'changed', fields: [{ path: '/y~1z/0', before: 1, after: 2 }, { path: '/deep/k', before: 1, after: null }] },
      { key: 'b/here', kind: 'added', fields: [{ path: '', before: undefined, after: 'n' }] },
    ])
  })

  test('k3 lines are marked that the other text has not', () => {
    const own = (text: string, other: string): string => linesOf(text, other).map((line) => (line.own ? `≠${line.text}` : line.text)).join(' ')
    expect(own('a\nb\nc', 'a\nc')).toBe('a ≠b c')
    expect(own('a\nx\nc\nd', 'a\nc\ny\nd')).toBe('a ≠x c d')
    expect(own('same', 'same')).toBe('same')
  })
})

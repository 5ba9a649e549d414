// The storm, and what must hold behind it (rows Y3 to Y6): the same state everywhere, each accepted edit in the log once,
// each refused one reported. `STORM_MS`, `STORM_SEED` and `STORM_RATE` play a longer, the same or
// a busier one.
import { Cache } from '@onair/client/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { MISSING, Stage } from './stage.js'
import { storm } from './storm.js'

const MS = Number(process.env['STORM_MS'] ?? 10_000)
/** Edits of one tab per second: three tabs of one browser make three times as many. */
const RATE = Number(process.env['STORM_RATE'] ?? 5)
const SEED = Number(process.env['STORM_SEED'] ?? Date.now() % 100_000)

describe.skipIf(MISSING !== undefined)(`a storm${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  beforeAll(async () => {
    await stage.open()
    await stage.put('layers/shared', { f0: '', f1: '', f2: '', f3: '' })
  })
  afterAll(() => stage.close())

  test(`y6 of ${MS} ms, seed ${SEED}, leaves one truth`, { timeout: MS * 2 + 180_000 }, async () => {
    const { told, made, unanswered, digests, positions, reports, done } = await storm(stage, SEED, MS, RATE)
    const log = await stage.log()

    // One state, at the server and in every tab: the log, applied by a cache that saw nothing of the evening.
    const cache = new Cache()
    cache.load('', 0, {})
    for (const commit of log) expect(cache.apply(commit)).toBe('applied')
    expect(new Set([...digests, cache.digest()]).size, `digests ${digests.join()} and ${cache.digest()} of the log`).toBe(1)
    expect(new Set(positions).size).toBe(1)

    const ids = log.flatMap(({ mutation }) => (mutation === undefined ? [] : [mutation]))
    expect(ids.length, 'a mutation id in two commits').toBe(new Set(ids).size)
    const times = new Map<string, number>()
    for (const { changes } of log) for (const { collection, id } of changes) if (collection === 'marks') times.set(id, (times.get(id) ?? 0) + 1)
    const inLog = (mark: string): number => times.get(mark) ?? 0

    const accepted = told.filter(({ outcome }) => outcome !== 'refused')
    const refused = told.filter(({ outcome }) => outcome === 'refused')
    console.log(
      `storm ${SEED}: ${done.join(', ')}. ${told.length} edits were answered (${refused.length} refused), ${made.length} belonged to tabs ` +
        `that went; ${log.length} commits; noticed: ${reports.length === 0 ? 'nothing' : reports.join(' ')}`,
    )
    expect(new Set(told.map(({ mark }) => mark)).size, 'an edit that was answered twice').toBe(told.length)
    expect(unanswered, 'never answered').toEqual([])
    expect(accepted.filter(({ mark }) => inLog(mark) !== 1), 'accepted and not in the log once').toEqual([])
    expect(accepted.filter(({ mark, revision }) => !log[(revision ?? 0) - 1]?.changes.some(({ id }) => id === mark)), 'in another commit than was said').toEqual([])
    expect(refused.filter(({ mark }) => inLog(mark) !== 0), 'refused and in the log').toEqual([])
    expect(refused.filter(({ code }) => code !== 'not-found'), 'refused for another reason').toEqual([])
    // Of tabs that went: what was on disk is done, what must be refused is not, and nothing is done twice.
    expect(made.filter(({ mark, refused: bad, stored }) => (bad ? inLog(mark) !== 0 : inLog(mark) > 1 || (stored && inLog(mark) !== 1))), 'edits of tabs that went').toEqual([])
    expect(reports.filter((report) => report.includes('diverged')), 'divergence').toEqual([])
    expect(accepted.length).toBeGreaterThan(20)
    expect(refused.length).toBeGreaterThan(0)
  })
})

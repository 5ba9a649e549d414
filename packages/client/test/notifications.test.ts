// Notifications: which changes are some, per kind as wanted, shown once over all tabs, told once when they waited.
import { afterEach, expect, test, vi } from 'vitest'
import type { Client } from '../src/client.js'
import { Feed, Listeners } from '../src/helpers.js'
import { Notifications } from '../src/notifications/index.js'
import { noticeOf } from '../src/notifications/notice.js'
import type { Changed } from '../src/replica.js'
import type { Json } from '../src/types.js'

afterEach(() => vi.useRealTimers())

const change = (collection: string, id: string, value: Json | undefined, before?: Json): Changed => {
  const kind = before === undefined ? 'created' : value === undefined ? 'deleted' : 'updated'
  return { kind, collection, id, value, before, local: false }
}

test('n1 what is a notification', () => {
  const table: [Changed, string | undefined][] = [
    [change('notifications', 'n1', { kind: 'turn', title: 'Your turn' }), 'turn: Your turn'],
    [change('notifications', 'n1', { title: 'no kind' }), undefined],
    [change('notifications', 'n1', { kind: 'turn', title: 'b' }, { kind: 'turn', title: 'a' }), undefined],
    [change('notifications', 'n1', undefined, { kind: 'turn', title: 'a' }), undefined],
    [change('_system', 'lifecycle', { phase: 'live', since: 't' }, { phase: 'starting' }), 'status: live'],
    [change('_system', 'lifecycle', { phase: 'live', since: 't', paused: true }, { phase: 'live' }), undefined],
    [change('_sequences', 's1', { kind: 'start', status: 'failed', endedAt: 't' }, { status: 'running' }), 'action: start: failed'],
    [change('_sequences', 's1', { kind: 'start', status: 'running' }), undefined],
    [change('layers', 'a', { kind: 'turn', title: 'x' }), undefined],
  ]
  for (const [one, wanted] of table) {
    const notice = noticeOf(one, 'notifications')
    expect(notice && `${notice.kind}: ${notice.title}`).toBe(wanted)
  }
})

function tabs(count: number): { feeds: Feed[]; tabs: Notifications[]; put: ReturnType<typeof vi.fn>; sounds: string[] } {
  const kept = new Map<string, string>()
  const shelf = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) }
  const sounds: string[] = []
  const feeds: Feed[] = []
  const put = vi.fn()
  const all = Array.from({ length: count }, () => {
    const feed = new Feed(0)
    feeds.push(feed)
    const connections = new Listeners()
    const client = { connection: { state: 'connected' }, http: { production: 'main' }, put, subscribe: feed.listen.bind(feed), onConnection: connections.listen.bind(connections) }
    return new Notifications(client as unknown as Client, { shelf, play: (sound) => sounds.push(sound), kinds: { turn: { sound: 'ding' } } })
  })
  return { feeds, tabs: all, put, sounds }
}

test('n1 shown once over all tabs, with its sound, and closed by itself', async () => {
  vi.useFakeTimers()
  const { feeds, tabs: all, sounds } = tabs(3)
  const notice = change('notifications', 'n1', { kind: 'turn', title: 'Your turn' })
  for (const feed of feeds) feed.add([notice])
  await vi.advanceTimersByTimeAsync(1)
  expect(all.flatMap((tab) => tab.open())).toHaveLength(1)
  expect(sounds).toEqual(['ding'])
  await vi.advanceTimersByTimeAsync(8_000)
  expect(all.flatMap((tab) => tab.open())).toEqual([])
  for (const feed of feeds) feed.add([notice])
  await vi.advanceTimersByTimeAsync(10)
  expect(all.flatMap((tab) => tab.open())).toEqual([])
})

test('n1 per kind on or off, and old ones are history', async () => {
  const { feeds, tabs: all } = tabs(1)
  const [tab, feed] = [all[0] as Notifications, feeds[0] as Feed]
  expect(tab.settings.change('turn', { enabled: false })).toMatchObject({ enabled: false, sound: 'ding' })
  feed.add([
    change('notifications', 'n1', { kind: 'turn', title: 'a' }),
    change('notifications', 'n2', { kind: 'status', title: 'b', at: '2020-01-01T00:00:00.000Z' }),
    change('notifications', 'n3', { kind: 'status', title: 'c', at: new Date().toISOString() }),
  ])
  await vi.waitFor(() => expect(tab.open().map(({ title }) => title)).toEqual(['c']))
  tab.close('document n3')
  expect(tab.open()).toEqual([])
  tab.stop()
})

test('n1 what is pushed is a document that must be new, so a replay tells it once', async () => {
  const { tabs: all, put } = tabs(1)
  await all[0]?.push({ kind: 'turn', title: 'Your turn' })
  expect(put).toHaveBeenCalledWith('notifications', expect.stringMatching(/^n-/), expect.objectContaining({ kind: 'turn' }), { ifRevision: 0 })
})

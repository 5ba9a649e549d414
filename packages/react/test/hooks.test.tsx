// Hooks of a show, each with what can go wrong with it.
import { act, cleanup, renderHook } from '@testing-library/react'
import type { Client, Json } from '@onair/client'
import { createElement, StrictMode, type ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import {
  OnairProvider, useAction, useBlockers, useBroadcastError, useBroadcastState, useCanStart, useCanStop, useConflicts, useConnection,
  useFindings, useHasError, useInteractions, useIsBroadcasting, useIsTransitioning, useLifecycle, useMutation, useNotifications,
  usePreview, useQueue, useSnapshot, useStreamState, useUnsavedGuard,
} from '../src/index.js'
import { sourceOf } from '../src/source.js'
import { House, LIFECYCLE, Refused, settle } from './house.js'

let house: House
beforeEach(() => {
  house = new House()
  house.server.edit('_system', 'lifecycle', LIFECYCLE)
})
afterEach(() => {
  cleanup()
  house.close()
  localStorage.clear()
})

async function hook<T>(use: () => T, client: Client = house.client()): Promise<{ readonly current: T; unmount(): void }> {
  const wrapper = ({ children }: { children: ReactNode }): ReactNode =>
    createElement(StrictMode, null, createElement(OnairProvider, { client }, children))
  const { result, unmount } = renderHook(use, { wrapper })
  await settle()
  return {
    get current() {
      return result.current
    },
    unmount,
  }
}

const phase = (name: string, more: Record<string, Json> = {}): void => house.edit('_system', 'lifecycle', { ...LIFECYCLE, phase: name, ...more })

describe('the state of a show', () => {
  test('l1 what is asked for most follows the lifecycle', async () => {
    const seen = await hook(() => ({
      state: useBroadcastState(), live: useIsBroadcasting(), moving: useIsTransitioning(), bad: useHasError(), error: useBroadcastError(),
    }))
    expect(seen.current).toMatchObject({ state: { phase: 'ready', paused: false }, live: false, moving: false, bad: false, error: null })
    phase('starting', { sequence: 'q1' })
    await settle()
    expect(seen.current).toMatchObject({ state: { phase: 'starting', sequence: 'q1' }, live: false, moving: true })
    phase('live', { paused: true, sessionId: 's1' })
    await settle()
    expect(seen.current).toMatchObject({ state: { phase: 'live', paused: true, sessionId: 's1' }, live: true, moving: false })
    phase('error', { error: { message: 'the host is gone' } })
    await settle()
    expect(seen.current).toMatchObject({ live: false, bad: true, error: { message: 'the host is gone' } })
  })

  test('before the client is in step nothing is made up', async () => {
    house.up = false
    const seen = await hook(() => ({ lifecycle: useLifecycle(), state: useBroadcastState(), bad: useHasError() }))
    expect(seen.current).toMatchObject({ lifecycle: undefined, state: { phase: 'unknown' }, bad: false })
  })

  test('m1 the snapshot counts, orders and renders only for what is selected', async () => {
    for (let at = 0; at < 60; at += 1) house.server.edit('_transitions', String(at), { from: 'idle', to: 'error', reason: `r${at}` })
    house.server.edit('_services', 'host', { status: 'ready', required: true })
    house.server.edit('_findings', 'SM001', { code: 'SM001', severity: 'error', clearedAt: null })
    house.server.edit('_findings', 'DP001', { code: 'DP001', severity: 'warning', clearedAt: 'then' })
    house.server.edit('_conflicts', '1-0', { id: '1-0', status: 'open', openedAt: 'a' })
    let renders = 0
    const client = house.client()
    const whole = await hook(() => useSnapshot(), client)
    const part = await hook(() => {
      renders += 1
      return useSnapshot(({ services }) => Object.keys(services))
    }, client)
    const { services, history, conflicts, findings } = whole.current
    expect(services['host']?.status).toBe('ready')
    expect([history.length, history[0]?.reason, history.at(-1)?.reason]).toEqual([50, 'r10', 'r59'])
    expect([conflicts, findings]).toEqual([1, { info: 0, warning: 0, error: 1 }])
    const before = renders
    house.edit('_services', 'host', { status: 'active', required: true })
    await settle()
    expect(whole.current.services['host']?.status).toBe('active')
    expect([part.current, renders]).toEqual([['host'], before])
  })
})

describe('what may be done', () => {
  const no = { allowed: false, reason: 'feed is empty', missingDependencies: ['feed'] }

  test('l9 the reasons are asked for once for all, and again when what they are made of changes', async () => {
    house.server.edit('_system', 'manifest', { requires: [{ collection: 'feed', atLeast: 1 }] })
    let can: Record<string, unknown> = { start: no, stop: { allowed: false, reason: 'not live' } }
    house.answer = (path) => (path === '/can' ? can : new Refused(404, 'not-found'))
    const client = house.client()
    const all = await hook(() => ({ start: useBlockers(), stop: useBlockers('stop'), may: useCanStart(), mayStop: useCanStop() }), client)
    expect(all.current.start).toMatchObject({ allowed: false, reason: 'feed is empty', missing: ['feed'], loading: false })
    expect(all.current).toMatchObject({ may: false, mayStop: false, stop: { reason: 'not live', missing: [] } })
    expect(house.requests.filter((path) => path === '/can').length).toBe(1)

    house.edit('layers', 'logo', 1)
    await settle(260)
    expect(house.requests.length).toBe(1)
    can = { start: { allowed: true }, stop: { allowed: false } }
    for (let at = 0; at < 20; at += 1) house.edit('feed', `f${at}`, at)
    await settle(260)
    expect(all.current).toMatchObject({ may: true, start: { allowed: true, reason: undefined, missing: [] } })
    expect(house.requests.length).toBe(2)
  })

  test('l9 what changed while it was asked is asked again', async () => {
    const answers: ((value: unknown) => void)[] = []
    house.answer = () => new Promise((resolve) => answers.push(resolve))
    const seen = await hook(() => useBlockers('stop'))
    expect(seen.current).toMatchObject({ allowed: false, reason: 'the server has not said yet', loading: true })
    phase('live')
    await settle()
    act(() => answers[0]?.({ stop: { allowed: false, reason: 'not live' } }))
    await settle(260)
    act(() => answers[1]?.({ stop: { allowed: true } }))
    await settle()
    expect([seen.current.allowed, answers.length]).toEqual([true, 2])
  })

  test('l9 a phase is validated; without a connection nothing is allowed; a refusal is told', async () => {
    house.answer = (path) => (path === '/validate?to=live' ? { valid: false, reason: 'idle', missingDependencies: ['host'] } : new Refused(403, 'forbidden'))
    const to = await hook(() => useBlockers({ to: 'live' }))
    expect(to.current).toMatchObject({ allowed: false, reason: 'idle', missing: ['host'] })
    const refused = await hook(() => useBlockers('start'))
    expect(refused.current).toMatchObject({ allowed: false, reason: 'forbidden: forbidden' })
    act(() => house.cut())
    await settle()
    expect(to.current).toMatchObject({ allowed: false, reason: 'not connected to the server' })
  })

  test('l4 an action runs and says what came of it', async () => {
    house.answer = () => ({ start: { allowed: true } })
    const seen = await hook(() => useAction('start'))
    let moved: unknown
    await act(async () => {
      moved = await seen.current.run({ sessionId: 's' })
    })
    expect(moved).toMatchObject({ phase: 'live' })
    expect(seen.current).toMatchObject({ running: false, error: undefined })
    act(() => house.cut())
    await act(async () => {
      moved = await seen.current.run()
    })
    expect([moved, (seen.current.error as { code?: string } | undefined)?.code]).toEqual([undefined, 'offline'])
    act(() => seen.current.reset())
    expect(seen.current.error).toBeUndefined()
  })
})

// A desk has one button for pause and resume. The commit of the pause arrived before its answer, the button was already
// another one, and it said "Resume…" for good.
test('l4 a button that becomes another one while it is answered can be pressed', async () => {
  house.answer = () => ({ pause: { allowed: true }, resume: { allowed: true } })
  const client = house.client()
  const seen = await hook(() => useAction(useBroadcastState().paused ? 'resume' : 'pause'), client)
  await act(async () => {
    const answer = seen.current.run()
    phase('live', { paused: true })
    await answer
  })
  await settle()
  expect(seen.current).toMatchObject({ running: false, error: undefined })
})

describe('edits', () => {
  test('y3 an edit is pending, then applied; a refused one is told and taken back; reset forgets', async () => {
    house.server.edit('c', 'a', { x: 1 })
    const client = house.client()
    const settled: string[] = []
    const seen = await hook(() => useMutation({ onSettled: ({ outcome }) => settled.push(outcome) }), client)
    const { patch, put } = seen.current
    act(() => void patch('c', 'a', { x: 2 }))
    expect([client.get('c', 'a'), seen.current.status, seen.current.waiting]).toEqual([{ x: 2 }, 'pending', 1])
    await settle()
    expect(seen.current).toMatchObject({ status: 'done', outcome: 'applied', waiting: 0, patch })
    act(() => void put('c', 'a', 3, { ifRevision: 77 }))
    await settle()
    expect(client.get('c', 'a')).toEqual({ x: 2 })
    expect(seen.current).toMatchObject({ status: 'refused', outcome: undefined, error: { code: 'revision-mismatch', kind: 'conflict' } })
    act(() => seen.current.reset())
    expect(seen.current).toMatchObject({ status: 'idle', error: undefined, waiting: 0 })
    expect(settled).toEqual(['applied', 'refused'])
  })

  test('y3 of two edits the last is told, whichever is answered last', async () => {
    const client = house.client()
    const seen = await hook(() => useMutation(), client)
    house.deaf = true
    act(() => void seen.current.put('c', 'a', 1))
    house.deaf = true
    await settle()
    act(() => void seen.current.put('c', 'b', undefined))
    await settle()
    expect(seen.current).toMatchObject({ status: 'refused', error: { code: 'invalid' }, waiting: 1 })
  })

  test('e2 what waits is counted, retried and cleared, and the page asks before it is left', async () => {
    const client = house.client()
    const seen = await hook(() => ({ edit: useMutation(), queue: useQueue(), unsaved: useUnsavedGuard(), pending: useConnection(({ pending }) => pending) }), client)
    const leaves = (): boolean => dispatchEvent(new Event('beforeunload', { cancelable: true }))
    expect([seen.current.unsaved, leaves()]).toEqual([false, true])
    act(() => house.cut())
    act(() => void seen.current.edit.put('c', 'a', 1))
    act(() => void seen.current.edit.put('c', 'b', 2))
    await settle()
    expect(seen.current).toMatchObject({ unsaved: true, pending: 2, queue: { count: 2 }, edit: { status: 'pending', waiting: 2 } })
    expect(seen.current.queue.pending.map(({ edits }) => edits[0]?.document)).toEqual(['a', 'b'])
    expect(leaves()).toBe(false)
    act(() => seen.current.queue.clear(seen.current.queue.pending[0]?.id))
    await settle()
    expect(seen.current.queue.count).toBe(1)
    house.up = true
    act(() => seen.current.queue.retry())
    await settle(60)
    expect(seen.current).toMatchObject({ unsaved: false, queue: { count: 0, pending: [] }, edit: { outcome: 'applied', waiting: 0 } })
    expect(leaves()).toBe(true)
    expect(house.server.state.get('c', 'a')).toBeUndefined()
  })

  test('a component that goes while its edit is under way is not told, and the edit is done', async () => {
    const client = house.client()
    const seen = await hook(() => useMutation(), client)
    const answer = seen.current.put('c', 'a', 1)
    seen.unmount()
    expect((await answer).outcome).toBe('applied')
    expect(sourceOf(client).listeners).toBe(0)
  })
})

describe('conflicts and findings', () => {
  const conflict = (id: string, status: string, openedAt: string): Json => ({ id, status, openedAt, collection: 'c', document: 'a', path: '/x' })

  test('k2 open conflicts in order, and a choice', async () => {
    house.server.edit('_conflicts', '9-0', conflict('9-0', 'open', 'b'))
    house.server.edit('_conflicts', '5-0', conflict('5-0', 'resolved', 'a'))
    house.server.edit('_conflicts', '7-0', conflict('7-0', 'open', 'a'))
    const bodies: unknown[] = []
    house.answer = (_, init) => {
      bodies.push(JSON.parse(String(init.body)))
      return { revision: 4, outcome: 'applied' }
    }
    const seen = await hook(() => useConflicts())
    expect([seen.current.conflicts.map(({ id }) => id), seen.current.open]).toEqual([['7-0', '9-0'], 2])
    await act(() => seen.current.resolve('7-0', 'merge', { x: 1 }))
    await act(() => seen.current.resolve('9-0', 'local'))
    expect(house.requests).toEqual(['/conflicts/7-0/resolve', '/conflicts/9-0/resolve'])
    expect(bodies).toEqual([{ choose: 'merge', value: { x: 1 } }, { choose: 'local' }])
    const all = await hook(() => useConflicts({ all: true }))
    expect(all.current.conflicts.length).toBe(3)
  })

  test('a check shows what stands, the gravest first', async () => {
    const finding = (code: string, severity: string, clearedAt: string | null): void =>
      house.server.edit('_findings', code, { code, severity, clearedAt, firstSeen: 'a' })
    finding('A', 'info', null)
    finding('B', 'error', null)
    finding('C', 'error', 'then')
    const seen = await hook(() => useFindings())
    expect(seen.current.findings.map(({ code }) => code)).toEqual(['B', 'A'])
    expect(seen.current.counts).toEqual({ info: 1, warning: 0, error: 1 })
  })
})

describe('the stream', () => {
  test('t1 figures come from the first answer and then as signals', async () => {
    house.answer = () => ({ stream: { fps: 30, targetFPS: 60, frameCount: 5, isLive: true } })
    const seen = await hook(() => useStreamState())
    expect(seen.current).toMatchObject({ isLive: false, fps: 30, targetFPS: 60, frameCount: 5, droppedFrames: 0, loading: false })
    phase('live', { liveSince: 'then', paused: true })
    act(() => house.say({ type: 'signal', production: 'main', stream: { fps: 59.9, frameCount: 6 } }))
    await settle()
    expect(seen.current).toMatchObject({ isLive: true, isPaused: true, startTime: 'then', fps: 59.9, targetFPS: 60, frameCount: 6 })
    expect(house.requests).toEqual([''])
  })

  test('e3 where nothing is pushed it polls, gives up, and comes back with the connection', async () => {
    let fails = false
    house.answer = () => (fails ? new Refused(500, 'internal') : { stream: { frameCount: house.requests.length } })
    const seen = await hook(() => useStreamState({ pollInterval: 20, maxRetries: 2 }), house.client({ transports: ['poll'] }))
    await settle(120)
    expect(seen.current.frameCount).toBeGreaterThan(2)
    fails = true
    await settle(200)
    const asked = house.requests.length
    expect(seen.current.failure?.message).toBe('internal: internal')
    await settle(100)
    expect(house.requests.length).toBe(asked)
    fails = false
    act(() => house.cut())
    house.up = true
    await settle(1_000)
    expect(house.requests.length).toBeGreaterThan(asked)
    expect(seen.current.failure).toBeUndefined()
    seen.unmount()
    const then = house.requests.length
    await settle(100)
    expect(house.requests.length).toBe(then)
  })
})

describe('audience', () => {
  test('n2 one is set, shown, cleared', async () => {
    house.server.edit('interactions', 'poll-1', { title: 'A or B', active: true })
    house.server.edit('interactions', 'poll-2', { title: 'C or D', status: 'over' })
    const seen = await hook(() => useInteractions<{ title: string }>())
    expect(seen.current).toMatchObject({ current: undefined, loading: false, error: undefined })
    expect(seen.current.active.map(({ id }) => id)).toEqual(['poll-1'])
    const first = seen.current.lastUpdate ?? 0
    await act(async () => void (await seen.current.set('poll-2', 'spring')))
    expect(seen.current).toMatchObject({ current: { id: 'poll-2', value: { title: 'C or D' } }, campaign: 'spring' })
    expect(seen.current.lastUpdate).toBeGreaterThanOrEqual(first)
    await act(async () => void (await seen.current.clear()))
    expect(seen.current).toMatchObject({ current: undefined, campaign: undefined })
    await act(async () => expect(await seen.current.clear()).toBeUndefined())
  })

  test('n1 what happens is told and closed; the first state is no news', async () => {
    house.server.edit('notifications', 'old', { kind: 'turn', title: 'long ago' })
    const client = house.client()
    const seen = await hook(() => useNotifications(), client)
    expect(seen.current.notices).toEqual([])
    house.edit('notifications', 'n1', { kind: 'turn', title: 'your turn' })
    await settle(60)
    expect(seen.current.notices).toMatchObject([{ kind: 'turn', title: 'your turn' }])
    act(() => seen.current.close(seen.current.notices[0]?.id ?? ''))
    expect(seen.current.notices).toEqual([])
    act(() => void seen.current.change('turn', { enabled: false }))
    await act(async () => void (await seen.current.push({ kind: 'turn', title: 'not wanted' })))
    await settle()
    expect(seen.current.notices).toEqual([])
    seen.unmount()
  })
})

describe('the preview', () => {
  test('a server without one is said to have none', async () => {
    const seen = await hook(() => usePreview())
    expect(seen.current).toMatchObject({ status: 'unavailable', reason: 'this server has no preview' })
  })

  test('where there is one its places are said', async () => {
    house.answer = () => null
    const seen = await hook(() => usePreview({ quality: 'low' }))
    expect(seen.current).toMatchObject({
      status: 'available',
      socket: 'ws://house:4201/?production=main&quality=low',
      picture: 'http://house/preview.jpg?production=main',
      stream: 'http://house/preview.mjpeg?production=main&quality=low',
    })
  })

  test('a failure is no preview, and is asked again', async () => {
    const warned = vi.spyOn(console, 'error').mockReturnValue()
    house.answer = () => new Refused(500, 'internal')
    const seen = await hook(() => usePreview())
    expect(seen.current).toMatchObject({ status: 'unavailable', reason: 'internal: internal' })
    house.answer = () => null
    act(() => seen.current.refresh())
    await settle()
    expect(seen.current.status).toBe('available')
    warned.mockRestore()
  })
})

describe('what goes', () => {
  test('no hook leaves a listener or a question behind', async () => {
    house.answer = (path) => (path === '/can' ? { start: { allowed: true } } : { stream: {} })
    const client = house.client()
    let open = 0
    const counted = <A extends unknown[]>(listen: (...args: A) => () => void) => (...args: A): (() => void) => {
      const end = listen.apply(client, args)
      open += 1
      return () => {
        open -= 1
        end()
      }
    }
    Object.assign(client, {
      subscribe: counted(client.subscribe), onConnection: counted(client.onConnection), onSignal: counted(client.onSignal),
    })
    const seen = await hook(() => {
      useSnapshot()
      useBlockers('start')
      useBlockers({ to: 'live' })
      useStreamState({ pollInterval: 10 })
      useConflicts()
      useFindings()
      useInteractions()
      useNotifications()
      usePreview()
      useQueue()
      useMutation()
      useAction('stop')
      return useUnsavedGuard()
    }, client)
    expect(open).toBeGreaterThan(0)
    seen.unmount()
    expect([open, sourceOf(client).listeners]).toEqual([0, 0])
    const asked = house.requests.length
    phase('live')
    await settle(260)
    expect(house.requests.length).toBe(asked)
  })
})

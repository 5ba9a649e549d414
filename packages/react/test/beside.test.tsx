// Beside what applications use (row Y8): Zustand's own `useStore`, TanStack's own `QueryClient`.
import { QueryClient, QueryObserver } from '@tanstack/query-core'
import { act, cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { useStore } from 'zustand'
import { createStore } from 'zustand/vanilla'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { collectionQuery, documentQuery, invalidateFromCommits, onairKeys } from '../src/query.js'
import { sourceOf } from '../src/source.js'
import { onairStore } from '../src/zustand.js'
import { House, LIFECYCLE, settle } from './house.js'

let house: House
beforeEach(() => {
  house = new House()
  house.server.edit('layers', 'logo', { visible: true })
  house.server.edit('layers', 'bug', { visible: true })
})
afterEach(() => {
  cleanup()
  house.close()
})

describe('zustand', () => {
  test('y8 a component reads by a selector, and only what it selected renders', async () => {
    const client = house.client()
    const store = onairStore(client, ['layers', 'chat'])
    let renders = 0
    function Logo(): ReactNode {
      renders += 1
      return <p data-testid="logo">{JSON.stringify(useStore(store, (state) => state.documents['layers']?.['logo']))}</p>
    }
    const { unmount } = render(<Logo />)
    await settle()
    expect(screen.getByTestId('logo').textContent).toBe('{"visible":true}')
    const before = renders
    act(() => house.edit('layers', 'bug', { visible: false }))
    act(() => house.edit('other', 'x', 1))
    await settle()
    expect(renders).toBe(before)
    act(() => house.edit('layers', 'logo', { visible: false }))
    await settle()
    expect([screen.getByTestId('logo').textContent, renders]).toEqual(['{"visible":false}', before + 1])
    unmount()
    expect(sourceOf(client).listeners).toBe(0)
  })

  test('y8 another store follows it', async () => {
    const store = onairStore(house.client(), ['layers'])
    const own = createStore(() => ({ live: false }))
    const end = store.subscribe(({ lifecycle }, before) => {
      if (lifecycle !== before.lifecycle) own.setState({ live: lifecycle?.phase === 'live' })
    })
    await settle()
    house.edit('_system', 'lifecycle', { ...LIFECYCLE, phase: 'live' })
    await settle()
    expect(own.getState().live).toBe(true)
    expect(store.getInitialState().lifecycle).toBeUndefined()
    expect(store.getState()).toBe(store.getState())
    end()
    house.edit('_system', 'lifecycle', LIFECYCLE)
    await settle()
    expect([own.getState().live, store.getState().lifecycle?.phase]).toEqual([true, 'ready'])
  })
})

describe('tanstack query', () => {
  test('y8 a commit makes just its queries out of date, a flood each once', async () => {
    const client = house.client({ batch: 30 })
    const queries = new QueryClient()
    const end = invalidateFromCommits(client, queries, { keysOf: ({ collection }) => (collection === 'layers' ? [['playlist']] : []) })
    await settle(60)
    const [logo, all, playlist] = [vi.fn(), vi.fn(), vi.fn()]
    const ends = [
      new QueryObserver(queries, { ...documentQuery(client, 'layers', 'logo') }).subscribe(({ data }) => logo(data)),
      new QueryObserver(queries, { ...collectionQuery(client, 'layers') }).subscribe(({ data }) => all(data?.length)),
      new QueryObserver(queries, { queryKey: ['playlist'], queryFn: () => playlist() ?? null, staleTime: Infinity }).subscribe(() => {}),
    ]
    await settle()
    const invalidated = vi.spyOn(queries, 'invalidateQueries')
    for (let at = 0; at < 50; at += 1) house.edit('layers', 'new', { at })
    await settle(80)
    expect(all).toHaveBeenLastCalledWith(3)
    const keys = invalidated.mock.calls.map(([filters]) => JSON.stringify(filters?.queryKey))
    expect(new Set(keys)).toEqual(new Set([
      JSON.stringify(onairKeys.document('main', 'layers', 'new')), '["onair","main","layers",{"list":true}]', '["playlist"]',
    ]))
    expect(keys.length).toBeLessThanOrEqual(6)
    expect(playlist.mock.calls.length).toBeLessThanOrEqual(3)
    expect(logo).toHaveBeenLastCalledWith({ visible: true })
    house.edit('layers', 'logo', { visible: false })
    await settle(80)
    expect(logo).toHaveBeenLastCalledWith({ visible: false })
    end()
    invalidated.mockClear()
    house.edit('layers', 'logo', { visible: true })
    await settle(80)
    expect(invalidated).not.toHaveBeenCalled()
    for (const one of ends) one()
    queries.clear()
  })

  test('y8 the documents of the server are left out unless named, and a missing one is null', async () => {
    const client = house.client()
    const queries = { invalidateQueries: vi.fn().mockResolvedValue(undefined) }
    invalidateFromCommits(client, queries)
    await settle()
    queries.invalidateQueries.mockClear()
    house.edit('_system', 'lifecycle', LIFECYCLE)
    await settle()
    expect(queries.invalidateQueries).not.toHaveBeenCalled()
    expect(await documentQuery(client, 'layers', 'none').queryFn()).toBeNull()
  })
})

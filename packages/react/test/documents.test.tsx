// Documents on a page: what is shown, what is rendered again, and what is left when it goes.
import { act, cleanup, render, screen } from '@testing-library/react'
import { memo, StrictMode, useState, type ReactNode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { OnairProvider, useCollection, useConnection, useDocument, useDocumentEntry } from '../src/index.js'
import { sourceOf } from '../src/source.js'
import { House, page, settle } from './house.js'

let house: House
beforeEach(() => {
  house = new House()
})
afterEach(() => {
  cleanup()
  house.close()
})

const text = (id: string): string => screen.getByTestId(id).textContent ?? ''

function Value({ id, of = 'c' }: { id: string; of?: string }): ReactNode {
  const value = useDocument(of, id)
  return <p data-testid={id}>{JSON.stringify(value)}</p>
}

describe('documents', () => {
  test('y2 a document is shown, follows, goes and comes back', async () => {
    house.server.edit('c', 'a', { x: 1 })
    await page(house.client(), <Value id="a" />)
    expect(text('a')).toBe('{"x":1}')
    house.edit('c', 'a', { x: 2 })
    await settle()
    expect(text('a')).toBe('{"x":2}')
    house.edit('c', 'a', undefined)
    await settle()
    expect(text('a')).toBe('')
    house.edit('c', 'a', 3)
    await settle()
    expect(text('a')).toBe('3')
  })

  test('y2 of a thousand components only those concerned are rendered again', async () => {
    const COUNT = 1_000
    for (let at = 0; at < COUNT; at += 1) house.server.edit('c', `d${at}`, { x: 0, y: 0 })
    const renders = new Array<number>(COUNT).fill(0)
    function One({ at }: { at: number }): ReactNode {
      renders[at] = (renders[at] ?? 0) + 1
      return <i>{useDocument<{ x: number }, number | undefined>('c', `d${at}`, (value) => value?.x)}</i>
    }
    const client = house.client()
    await page(client, <>{renders.map((_, at) => <One key={at} at={at} />)}</>)
    const before = [...renders]
    act(() => house.edit('c', 'd7', { x: 1, y: 0 }))
    await settle()
    // A member that nobody selected, and a document that nobody shows.
    act(() => house.edit('c', 'd8', { x: 0, y: 1 }))
    act(() => house.edit('other', 'd9', { x: 1 }))
    await settle()
    const again = renders.map((count, at) => count - (before[at] ?? 0))
    expect(again[7]).toBe(1)
    expect(again.reduce((sum, count) => sum + count, 0)).toBe(1)
  })

  test('y2 a selector in place that makes arrays renders only for other arrays', async () => {
    house.server.edit('layers', 'a', { visible: true, x: 0 })
    house.server.edit('layers', 'b', { visible: false, x: 0 })
    let renders = 0
    function Visible(): ReactNode {
      renders += 1
      const ids = useCollection<{ visible: boolean }, string[]>('layers', (all) => all.filter(({ value }) => value.visible).map(({ id }) => id))
      return <p data-testid="ids">{ids.join()}</p>
    }
    await page(house.client(), <Visible />)
    const before = renders
    house.edit('layers', 'a', { visible: true, x: 1 })
    await settle()
    expect([text('ids'), renders - before]).toEqual(['a', 0])
    house.edit('layers', 'b', { visible: true, x: 0 })
    await settle()
    expect([text('ids'), renders - before]).toEqual(['a,b', 1])
  })

  test('y2 rows of a list that did not change stay the objects they were', async () => {
    for (const id of ['a', 'b']) house.server.edit('c', id, { x: 0 })
    const seen: (readonly object[])[] = []
    function List(): ReactNode {
      seen.push(useCollection('c'))
      return null
    }
    await page(house.client(), <List />)
    const [a, b] = seen.at(-1) ?? []
    house.edit('c', 'b', { x: 1 })
    await settle()
    expect(seen.at(-1)?.[0]).toBe(a)
    expect(seen.at(-1)?.[1]).not.toBe(b)
  })

  test('y3 a confirmation that changes no value is seen all the same', async () => {
    house.server.edit('c', 'a', { x: 1 })
    const client = house.client()
    function Entry(): ReactNode {
      const entry = useDocumentEntry('c', 'a')
      return <p data-testid="entry">{`${JSON.stringify(entry?.value)} ${entry?.pending ? 'waits' : 'stands'} ${entry?.revision}`}</p>
    }
    function Row(): ReactNode {
      return <p data-testid="row">{useCollection('c').map(({ pending }) => (pending ? 'waits' : 'stands')).join()}</p>
    }
    await page(client, <><Entry /><Row /></>)
    house.cut()
    act(() => void client.patch('c', 'a', { x: 2 }))
    await settle()
    expect([text('entry'), text('row')]).toEqual(['{"x":2} waits 1', 'waits'])
    house.up = true
    act(() => client.retry())
    await settle(60)
    expect([text('entry'), text('row')]).toEqual(['{"x":2} stands 2', 'stands'])
  })

  test('y2 two components never show two states of one document', async () => {
    house.server.edit('c', 'a', 0)
    const client = house.client({ batch: 40 })
    const torn: string[] = []
    const Still = memo(function Still(): ReactNode {
      return <b data-testid="own">{String(useDocument('c', 'a'))}</b>
    })
    let turn: (next: number) => void = () => {}
    function Whole(): ReactNode {
      const [at, set] = useState(0)
      turn = set
      return <><output>{at}</output><Value id="a" /><Still /></>
    }
    await page(client, <Whole />)
    for (let at = 1; at < 50; at += 1) {
      act(() => {
        house.edit('c', 'a', at)
        // The parent renders for a reason of its own between the change and the batch that tells of it.
        turn(at)
      })
      if (text('a') !== text('own')) torn.push(`${text('a')} and ${text('own')}`)
    }
    await settle(60)
    expect([torn, text('a'), text('own')]).toEqual([[], '49', '49'])
  })

  test('y2 what is unmounted leaves nothing behind, in strict mode too', async () => {
    house.server.edit('c', 'a', 1)
    const client = house.client()
    const { unmount } = await page(client, <StrictMode><Value id="a" /><Value id="b" /></StrictMode>)
    expect(text('a')).toBe('1')
    expect(sourceOf(client).listeners).toBe(2)
    unmount()
    expect(sourceOf(client).listeners).toBe(0)
    house.edit('c', 'a', 2)
    await page(client, <Value id="a" />)
    expect(text('a')).toBe('2')
  })

  test('a component that shows another document lets go of the first', async () => {
    house.server.edit('c', 'a', 1)
    house.server.edit('c', 'b', 2)
    const client = house.client()
    const { rerender } = await page(client, <Value key="one" id="a" />)
    rerender(<Value key="one" id="b" />)
    expect(text('b')).toBe('2')
    expect(sourceOf(client).listeners).toBe(1)
  })

  test('without a provider the error says what is missing', () => {
    expect(() => renderToString(<Value id="a" />)).toThrow('there is no OnairProvider')
  })
})

describe('rendered on a server', () => {
  function State(): ReactNode {
    return <p data-testid="state">{useConnection(({ state }) => state)}</p>
  }
  const initial = { c: { a: { revision: 1, value: { x: 1 } } } }

  test('nothing connects, and what is given is shown', () => {
    const options = { url: 'http://house', links: { socket: forbidden, events: forbidden, poll: forbidden } }
    const html = renderToString(<OnairProvider options={options} initial={initial}><Value id="a" /><Value id="b" /><State /></OnairProvider>)
    expect(html.replaceAll('&quot;', '"')).toBe('<p data-testid="a">{"x":1}</p><p data-testid="b"></p><p data-testid="state">connecting</p>')
  })

  test('a page takes it over without a difference and goes on in step', async () => {
    house.server.edit('c', 'a', { x: 2 })
    const client = house.client()
    const tree = <OnairProvider client={client} initial={initial}><Value id="a" /><State /></OnairProvider>
    const container = document.createElement('div')
    document.body.append(container)
    container.innerHTML = renderToString(tree)
    const complaints: unknown[] = []
    const root = await act(() => hydrateRoot(container, tree, { onRecoverableError: (error) => complaints.push(error) }))
    await settle()
    expect(complaints).toEqual([])
    expect([text('a'), text('state')]).toEqual(['{"x":2}', 'connected'])
    act(() => root.unmount())
    container.remove()
  })

  test('a provider makes one client and closes it, in strict mode too', async () => {
    const open = new Set<object>()
    const link = (): { send(): void; close(): void } => {
      const one = { send() {}, close: () => void open.delete(one) }
      open.add(one)
      return one
    }
    const options = { url: 'http://house', tabs: false, links: { socket: link, events: link, poll: link } }
    const { unmount } = render(<StrictMode><OnairProvider options={options}><State /></OnairProvider></StrictMode>)
    await vi.waitFor(() => expect(open.size).toBe(1))
    unmount()
    await settle()
    expect(open.size).toBe(0)
  })
})

function forbidden(): never {
  throw new Error('a server that renders connects nowhere')
}

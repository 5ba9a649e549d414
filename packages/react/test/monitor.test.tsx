// The monitor as a component of somebody's page: opened and closed, hostile documents, commands that are safe to paste.
import { cleanup, fireEvent, screen } from '@testing-library/react'
import type { Client } from '@onair/client'
import { createElement } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { Monitor, StateMonitor } from '../src/monitor/index.js'
import { Commands, quoted } from '../src/monitor/commands.js'
import { away, lasting, spoken, textOf } from '../src/monitor/words.js'
import { House, LIFECYCLE, page, settle } from './house.js'

let house: House
beforeEach(() => {
  house = new House()
  house.server.edit('_system', 'lifecycle', LIFECYCLE)
  // The platform has it, this page without a browser has not.
  HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
    this.open = true
  }
})
afterEach(() => {
  cleanup()
  house.close()
})

describe('StateMonitor', () => {
  test('m4 is closed until somebody opens it, says how the show is all the same, and asks nothing while closed', async () => {
    await page(house.client(), createElement(StateMonitor, { toggleKey: 'F8' }))
    const toggle = screen.getByRole('button', { name: /ready/ })
    expect(toggle.getAttribute('aria-expanded')).toBe('false')
    expect(house.requests).toEqual([])
    fireEvent.click(toggle)
    await settle()
    expect(toggle.getAttribute('aria-expanded')).toBe('true')
    expect(screen.getByRole('region', { name: 'Services' })).toBeTruthy()
    fireEvent.keyDown(window, { key: 'F8' })
    await settle()
    expect(toggle.getAttribute('aria-expanded')).toBe('false')
    house.edit('_system', 'lifecycle', { ...LIFECYCLE, phase: 'live' })
    await settle()
    expect(screen.getByRole('button', { name: /live/ })).toBeTruthy()
  })

  test('m4 the page decides whether it is open, where it stands and how much it shows', async () => {
    const told = vi.fn()
    await page(house.client(), createElement(StateMonitor, { open: true, onOpenChange: told, position: 'inline', compact: false, theme: 'light' }))
    expect(screen.getByRole('complementary', { name: 'Monitor of the show' }).dataset['position']).toBe('inline')
    expect(screen.getByRole('region', { name: 'Signals' })).toBeTruthy()
    fireEvent.click(screen.getByRole('button', { name: /ready/, expanded: true }))
    expect(told).toHaveBeenCalledWith(false)
    expect(screen.getByRole('region', { name: 'Signals' })).toBeTruthy()
  })

  test('m4 one that cannot be closed has no toggle, and is compact unless it is said', async () => {
    await page(house.client(), createElement(StateMonitor, { collapsible: false }))
    expect(screen.queryByRole('button', { expanded: true })).toBeNull()
    expect(screen.getByRole('region', { name: 'Actions' })).toBeTruthy()
    expect(screen.queryByRole('region', { name: 'Signals' })).toBeNull()
    expect(screen.queryByRole('tablist')).toBeNull()
  })
})

describe('Monitor', () => {
  test('m1 documents of any form are text, and break no panel', async () => {
    const evil = '<img src=x onerror=alert(1)>'
    house.edit('chat', 'a', { author: { nested: evil }, text: evil })
    house.edit('chat', 'b', null)
    house.edit('layers', 'a', 'no object')
    house.edit('layers', 'b', { name: evil, visible: 'yes' })
    house.edit('_services', 'host', { status: evil, required: true, adapter: 'agent', healthy: false, lastSeen: 'never', error: { message: evil } })
    house.edit('_sequences', 'q', { id: 'q', kind: 'constructor', status: '__proto__', startedBy: evil, startedAt: '?', endedAt: null, error: null, steps: [] })
    house.edit('_backends', 'hook', { type: 'webhook', status: 'parked', delivered: 3, parked: 2, failures: 2, lastError: evil })
    const { container } = await page(house.client(), createElement(Monitor, {}))
    expect(container.querySelectorAll('img').length).toBe(0)
    expect(container.querySelectorAll('.onair-broken').length).toBe(0)
    expect(container.textContent).toContain(evil)
    fireEvent.click(screen.getByRole('tab', { name: 'Raw JSON' }))
    await settle()
    expect(screen.getByText('layers/b')).toBeTruthy()
    expect(container.querySelectorAll('.onair-broken, img').length).toBe(0)
  })

  test('m1 what is wrong stands above everything, with the way out', async () => {
    house.edit('_system', 'lifecycle', { ...LIFECYCLE, phase: 'error', error: { code: 'step-failed', message: 'host.start: no camera', owed: ['host.stop'] } })
    house.edit('_findings', 'SM001', { code: 'SM001', category: 'stateMachine', severity: 'error', message: 'it hangs', fix: 'press it again', firstSeen: '', lastSeen: '', clearedAt: null, count: 2 })
    house.edit('_conflicts', 'c', { id: 'c', collection: 'scenes', document: 'intro', path: '/title', base: 'a', local: 'b', server: 'c', status: 'open', resolution: null, openedAt: '', resolvedAt: null })
    await page(house.client(), createElement(Monitor, {}))
    const alerts = screen.getByRole('region', { name: 'Alerts' })
    for (const said of ['host.start: no camera', 'May still be on: host.stop.', 'SM001: it hangs', 'press it again', '1 conflict to decide']) expect(alerts.textContent).toContain(said)
  })
})

describe('commands', () => {
  const client = { http: { url: 'http://127.0.0.1:4200', production: 'main' } } as Client

  test.each([
    ['plain-1', 'plain-1'],
    ['', "''"],
    ['a b', "'a b'"],
    ["it's", `'it'\\''s'`],
    ['$(reboot)', "'$(reboot)'"],
    ['`x`', "'`x`'"],
    ['a\nb', "'a\nb'"],
  ])('m2 %j is one word for a shell', (word, expected) => expect(quoted(word)).toBe(expected))

  test('m2 the same as a button, by the command line and by curl', () => {
    const commands = new Commands(client, true)
    expect(commands.action('start', { sessionId: 's 1' })).toEqual({
      cli: "onair start --session 's 1'",
      curl: `curl -X POST -H 'content-type: application/json' -d '{"sessionId":"s 1"}' -H "authorization: Bearer $ONAIR_TOKEN" http://127.0.0.1:4200/v1/productions/main/start`,
    })
    expect(commands.action('emergency-stop').cli).toBe('onair emergency-stop --yes')
    expect(commands.resolve('c', 'merge', { a: "it's" }).cli).toBe(`onair resolve c --choose merge --value '{"a":"it'\\''s"}'`)
    expect(commands.patch('layers', 'a', { visible: true }).curl).toContain('application/merge-patch+json')
  })
})

describe('words', () => {
  test('m1 times and errors as people say them', () => {
    expect([0, 420, 3_200, 42_000, 250_000, 7_500_000].map(lasting)).toEqual(['0 ms', '420 ms', '3.2 s', '42 s', '4 min 10 s', '2 h 5 min'])
    expect([-5, 900, 1_999, 61_000].map(away)).toEqual(['0 s', '0 s', '1 s', '1 min 1 s'])
    expect(['rolledBack', 'emergency-stop', 'user_action'].map(spoken)).toEqual(['rolled back', 'emergency stop', 'user action'])
    expect([null, undefined, 'x', { message: 'y' }, { z: 1 }].map(textOf)).toEqual([undefined, undefined, 'x', 'y', '{"z":1}'])
  })
})

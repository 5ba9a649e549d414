// Servers that lie and networks that block, in a real browser in front of the real server (rows Y4, Y6, E3). Between page
// and server stands a proxy of the browser's: it loses, doubles, reorders and cuts messages, and makes up digests. What a
// tab holds for confirmed is written down all the time, and compared with the log afterwards. `LIES_SEED` plays it again.
import { Cache } from '@onair/client/core'
import type { BrowserContext, Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { chance } from './chance.js'
import { MISSING, Stage, until } from './stage.js'

const SEED = Number(process.env['LIES_SEED'] ?? Date.now() % 100_000)
/** Edits of each tab under lies. */
const EDITS = 40

declare global {
  /** What was held for true: `position digest`. */
  var held: Set<string>
  var reports: string[]
}

/** Messages of the server as a tab gets them, while `lying`. */
function liar(seed: number, told: { lying: boolean; lies: number; once?: boolean }): (route: WebSocketRoute) => void {
  const random = chance(seed)
  return (route) => {
    const server = route.connectToServer()
    let kept: string | undefined
    server.onMessage((message) => {
      const text = String(message)
      const released = kept
      kept = undefined
      const once = told.once === true && text.includes('"type":"commit"')
      if (once) told.once = false
      const lie = once ? 4 : told.lying && !text.includes('"welcome"') ? Math.floor(random() * 14) : 99
      if (lie < 5) told.lies += 1
      if (lie === 0) return
      if (lie === 1) kept = text
      else route.send(lie === 2 ? text.slice(0, text.length / 2) : text)
      if (lie === 3) route.send(text)
      if (lie === 4) route.send(JSON.stringify({ type: 'digest', production: 'main', revision: revision(text), digest: '0123456789abcdef' }))
      if (released !== undefined) route.send(released)
    })
  }
}

function revision(text: string): number {
  return (JSON.parse(text) as { readonly revision?: number }).revision ?? 1
}

/** Writes down what a tab holds for confirmed while it says that it is in step, and what it noticed. */
async function watched(page: Page): Promise<void> {
  await page.evaluate(() => {
    globalThis.held = new Set()
    globalThis.reports = []
    client.onReport(({ what }) => reports.push(what))
    setInterval(() => client.connection.state === 'connected' && held.add(`${client.position} ${client.digest}`), 15)
  })
}

describe.skipIf(MISSING !== undefined)(`lies and walls${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  beforeAll(() => stage.open())
  afterAll(() => stage.close())

  const settled = (page: Page): Promise<boolean> => page.evaluate(() => client.connection.state === 'connected' && client.connection.pending === 0)

  test(`y6 a server that lies is noticed, seed ${SEED}, and nothing untrue is held`, async () => {
    const told = { lying: false, lies: 0, once: false }
    const browsers: BrowserContext[] = [await stage.browser(), await stage.browser()]
    for (const [n, browser] of browsers.entries()) await browser.routeWebSocket(/\/v1\/sync/, liar(SEED + n, told))
    const [first, second] = browsers as [BrowserContext, BrowserContext]
    const pages = [await stage.tab(first), await stage.tab(first), await stage.tab(second)]
    await Promise.all(pages.map(watched))
    told.lying = true
    const edited = pages.map((page, tab) =>
      page.evaluate(async ([tab, edits]) => {
        const results = []
        for (let n = 0; n < edits; n += 1) {
          results.push(client.put('lies', `t${tab}-${n}`, { n }), client.patch('layers', 'lies', { [`f${tab}`]: n }))
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        return results.length
      }, [tab, EDITS] as const),
    )
    await Promise.all(edited)
    told.lying = false
    for (const page of pages) await until('a tab is in step again', () => settled(page), 60_000)
    // However few messages a slow machine had for the lies of chance: one that must be noticed.
    told.once = true
    const before = told.lies
    await stage.put('lies/last', { n: -1 })
    await until('the last lie is told', async () => told.lies > before)
    const noticedBy = (): Promise<number[]> => Promise.all(pages.map((page) => page.evaluate(() => globalThis.reports.length)))
    await until('it is noticed', async () => (await noticedBy()).some((count) => count > 0))
    for (const page of pages) await until('a tab is in step once more', () => settled(page), 60_000)

    const log = await stage.log()
    const truth = new Map<number, string>()
    const cache = new Cache()
    cache.load('', 0, {})
    for (const commit of log) {
      expect(cache.apply(commit)).toBe('applied')
      truth.set(commit.revision, cache.digest())
    }
    const noticed: string[] = []
    for (const page of pages) {
      await until('a tab is at the end of the log', () => page.evaluate((last) => client.position.endsWith(`:${last}`), log.length))
      const seen = await page.evaluate(() => ({ held: [...held], reports, digest: client.digest }))
      const untrue = seen.held.filter((line) => {
        const [position = '', digest] = line.split(' ')
        return truth.get(Number(position.split(':')[1])) !== digest
      })
      expect(untrue, 'held and never true').toEqual([])
      expect(seen.held.length).toBeGreaterThan(10)
      expect(seen.digest).toBe(cache.digest())
      noticed.push(...seen.reports)
    }
    console.log(`lies ${SEED}: ${told.lies} told; noticed: ${[...new Set(noticed)].sort().join(', ')}, ${noticed.length} times`)
    expect(told.lies).toBeGreaterThan(0)
    expect(noticed.length).toBeGreaterThan(0)
    const made = log.flatMap(({ changes }) => changes).filter(({ collection }) => collection === 'lies')
    expect(made.length, 'each edit once').toBe(3 * EDITS + 1)
    expect(new Set(made.map(({ id }) => id)).size).toBe(3 * EDITS + 1)
    for (const browser of browsers) await browser.close()
  })

  test.each([
    ['events', false],
    ['poll', true],
  ])('e3 over %s where what is better is blocked', async (transport, both) => {
    const browser = await stage.browser()
    await browser.routeWebSocket(/\/v1\/sync/, (route) => route.close({ code: 1011, reason: 'a wall' }))
    if (both) await browser.route(/\/events(\?|$)/, (route) => route.abort())
    const page = await stage.tab(browser)
    await until('it found a way', () => page.evaluate((wanted) => client.connection.transport === wanted, transport))
    const answer = await page.evaluate(() => client.put('lies', 'walled', { at: Date.now() }))
    expect(answer.outcome).toBe('applied')
    await stage.put('lies/from-outside', { transport })
    await until('it hears of others', () => page.evaluate((wanted) => client.get<{ transport: string }>('lies', 'from-outside')?.transport === wanted, transport))
    await browser.close()
  })

  test('y4 two hundred edits made offline are sent once, and in order', async () => {
    const browser = await stage.browser()
    const page = await stage.tab(browser)
    await browser.setOffline(true)
    await until('it is noticed', () => page.evaluate(() => client.connection.state !== 'connected'))
    const before = (await stage.log()).length
    await page.evaluate(() => {
      for (let n = 0; n < 200; n += 1) void client.put('queued', `q${n}`, { n })
    })
    await until('all are kept', () => page.evaluate(() => client.connection.pending === 200 && client.queue().length === 200))
    await browser.setOffline(false)
    await until('all are answered', () => settled(page))
    const made = (await stage.log()).slice(before).flatMap(({ changes }) => changes)
    expect(made.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, n) => `q${n}`))
    await browser.close()
  })
})

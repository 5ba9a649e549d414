// Tabs of a real browser on the real server: locks, channels and IndexedDB are what they are there. Run with ONAIR_BIN
// set to the program, where there is a Chromium (CHROMIUM, or the usual places).
import { build } from 'esbuild'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Client } from './client.js'
import type { Commit } from '../src/types.js'
import { BIN, RealServer } from './server.js'

declare global {
  interface Window {
    show: Client
    connect: (options: object) => Client
    results: string[]
  }
}

const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
const lacks = !BIN ? ' (skipped: ONAIR_BIN is not set)' : !CHROMIUM ? ' (skipped: there is no Chromium)' : ''

describe.skipIf(lacks !== '')(`y5 tabs of a real browser${lacks}`, () => {
  const server = new RealServer()
  const profile = mkdtempSync(join(tmpdir(), 'onair-browser-'))
  let pages: Server
  let origin: string
  let context: BrowserContext

  const launch = async (): Promise<BrowserContext> => {
    return chromium.launchPersistentContext(profile, { executablePath: CHROMIUM as string, headless: true, args: ['--no-sandbox', '--disable-gpu'] })
  }

  beforeAll(async () => {
    const built = await build({
      stdin: { contents: "import { connect } from './src/index.ts'; globalThis.connect = connect", resolveDir: new URL('..', import.meta.url).pathname, loader: 'ts' },
      bundle: true, format: 'esm', write: false, logLevel: 'error',
    })
    const script = built.outputFiles[0]?.text ?? ''
    pages = createServer((request, response) => {
      const isScript = request.url === '/client.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><script type="module" src="/client.js"></script>')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => pages.once('listening', resolve))
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    await server.start(origin)
    context = await launch()
  }, 60_000)
  afterAll(async () => {
    await context?.close().catch(() => undefined)
    pages?.close()
    await server.remove()
    rmSync(profile, { recursive: true, force: true })
  })

  // A tab that a failed test left would lead in the next one.
  afterEach(async () => {
    await Promise.all(context.pages().map((page) => page.close().catch(() => undefined)))
  })

  const open = async (): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(origin)
    await page.waitForFunction(() => typeof window.connect === 'function')
    await page.evaluate((url) => {
      window.show = window.connect({ url })
      window.results = []
    }, server.url)
    return page
  }
  const crash = async (page: Page): Promise<void> => {
    const devtools = await context.newCDPSession(page)
    const crashed = page.waitForEvent('crash')
    void devtools.send('Page.crash').catch(() => undefined)
    await crashed
  }
  /** As when a debugger holds it: it has its locks and its socket, and does nothing. What is returned lets it go on. */
  const freeze = async (page: Page): Promise<() => Promise<unknown>> => {
    const devtools = await context.newCDPSession(page)
    await devtools.send('Debugger.enable')
    const paused = new Promise((resolve) => devtools.once('Debugger.paused', resolve))
    await devtools.send('Debugger.pause')
    void page.evaluate(() => 1).catch(() => undefined)
    await paused
    return () => devtools.send('Debugger.resume')
  }
  const connected = (page: Page): Promise<unknown> => page.waitForFunction(() => window.show.connection.state === 'connected' && window.show.connection.pending === 0)
  const edit = (page: Page, id: string): Promise<void> =>
    page.evaluate((document) => void window.show.put('chat', document, { document }).then(({ outcome }) => window.results.push(`${document} ${outcome}`)), id)
  const chats = async (): Promise<(string | undefined)[]> => {
    const answer = await fetch(`${server.url}/v1/productions/main/changes?limit=5000`)
    const { commits } = (await answer.json()) as { commits: Commit[] }
    return commits.flatMap(({ changes }) => changes.filter(({ collection }) => collection === 'chat').map(({ id }) => id))
  }
  const sockets = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/v1/productions/main/clients`)
    return ((await answer.json()) as { clients: unknown[] }).clients.length
  }

  test.each(['closed', 'crashed'])('one connection for all, and another leads when the leader is %s', async (how) => {
    const [first, second, third] = [await open(), await open(), await open()]
    await Promise.all([first, second, third].map(connected))
    expect(await sockets()).toBe(1)
    await edit(first, `${how}1`)
    await edit(third, `${how}2`)
    await second.waitForFunction((id) => window.show.get('chat', `${id}1`) && window.show.get('chat', `${id}2`), how)
    const goes = how === 'closed' ? first.close() : crash(first)
    await Promise.all([goes, edit(second, `${how}3`), edit(third, `${how}4`)])
    await Promise.all([second, third].map(connected))
    await second.waitForFunction((id) => window.results.includes(`${id}3 applied`), how)
    // The one that left may have done all this with its last breath; then the next one is still on its way.
    await vi.waitFor(async () => expect(await sockets()).toBe(1), 10_000)
    await Promise.all([second, third].map(connected))
    expect((await chats()).filter((id) => id?.startsWith(how)).sort()).toEqual([1, 2, 3, 4].map((n) => `${how}${n}`))
    expect(await second.evaluate(() => window.show.digest)).toBe(await third.evaluate(() => window.show.digest))
    await second.close()
    await third.close()
  }, 60_000)

  test('a tab that is frozen gives the lead to one that is seen', async () => {
    const first = await open()
    await connected(first)
    const second = await open()
    await connected(second)
    const thaw = await freeze(first)
    await second.bringToFront()
    await edit(second, 'f1')
    await second.waitForFunction(() => window.results.includes('f1 applied'), undefined, { timeout: 15_000 })
    await thaw()
    await connected(first)
    await first.waitForFunction(() => window.show.get('chat', 'f1') !== undefined)
    expect((await chats()).filter((id) => id === 'f1')).toHaveLength(1)
    await first.close()
    await second.close()
  }, 60_000)

  test('a tab that heard nothing while it was frozen asks for what it missed', async () => {
    const [first, second] = [await open(), await open()]
    await Promise.all([first, second].map(connected))
    const thaw = await freeze(second)
    for (let n = 0; n < 50; n += 1) await edit(first, `m${n}`)
    await first.waitForFunction(() => window.results.length === 50 && window.show.connection.pending === 0)
    await thaw()
    await second.waitForFunction(() => window.show.get('chat', 'm49') !== undefined && window.show.connection.pending === 0)
    expect(await second.evaluate(() => window.show.digest)).toBe(await first.evaluate(() => window.show.digest))
  }, 60_000)

  test('the last tab crashes and the browser ends with work in the queue: the next replays it once and in order', async () => {
    const page = await open()
    await connected(page)
    await server.kill()
    await page.waitForFunction(() => window.show.connection.state !== 'connected')
    for (let n = 1; n <= 5; n += 1) await edit(page, `k${n}`)
    await page.waitForFunction(() => window.show.queue().length === 5 && window.show.queue().every(({ order }) => order < 1e9))
    await crash(page)
    await context.close()
    await server.start(origin)
    context = await launch()
    const after = await open()
    await connected(after)
    expect((await chats()).filter((id) => id?.startsWith('k'))).toEqual(['k1', 'k2', 'k3', 'k4', 'k5'])
  }, 60_000)
})

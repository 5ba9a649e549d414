// A stage for browser tests of the monitor: a real server that serves the page itself and can be killed, an agent that
// fails when it is told to, and Debian's Chromium. Without the program or the browser, what needs them is skipped.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { Json } from '@onair/client'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { WebSocket } from 'ws'

/** A built page that stands in for the embedded one, `dist` say, so that no program has to be built for it. */
const INSTEAD = process.env['MONITOR_DIST']
const BIN = process.env['ONAIR_BIN']
const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
/** Until a program or a page has done what it is asked. */
export const PATIENCE_MS = Number(process.env['PATIENCE_MS'] ?? 30_000)

/** Why nothing can be tried here, if so. */
export const MISSING = BIN === undefined ? 'ONAIR_BIN names no program' : CHROMIUM === undefined ? 'there is no Chromium' : undefined

/** Two services, one of them an agent; nothing is done by itself, so that a test sees each state. */
const MANIFEST = {
  services: [{ name: 'livefeed' }, { name: 'host', adapter: { type: 'agent' } }],
  start: ['livefeed', 'host'],
  requires: [{ service: 'host', is: 'initialized' }],
  settings: { maxRetries: 0, autoRecovery: false, startupTimeout: 20_000 },
}

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'dark' | 'light'
}

export class Stage {
  readonly data = mkdtempSync(join(tmpdir(), 'onair-monitor-'))
  #server: ChildProcess | undefined
  #browser: Browser | undefined
  #agents: Agent[] = []
  url = ''

  async open(): Promise<this> {
    await this.start()
    this.#browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox', '--disable-gpu', ...(INSTEAD ? ['--disable-features=LocalNetworkAccessChecks'] : [])] })
    return this
  }

  /** Starts the server: on a free port at first, and where it was from then on. */
  async start(): Promise<void> {
    const listen = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host
    const options = ['serve', '--data', this.data, '--listen', listen, '--metrics-listen', '127.0.0.1:0', '--json']
    const server = spawn(BIN as string, options, { stdio: ['ignore', 'pipe', process.env['STAGE_LOG'] ? 'inherit' : 'ignore'] })
    this.#server = server
    for await (const line of createInterface({ input: server.stdout })) {
      this.url = (JSON.parse(line) as { readonly api: string }).api
      server.stdout.resume()
      return
    }
    throw new Error('the server ended before it said where it serves')
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    const server = this.#server
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await ended
  }

  /** A production with an agent that is there. */
  async production(name: string): Promise<Agent> {
    await this.ask('PUT', `/v1/productions/${name}`, MANIFEST, this.admin())
    const agent = new Agent(this.url, name)
    this.#agents.push(agent)
    await agent.ready
    return agent
  }

  admin(): string {
    return readFileSync(join(this.data, 'admin.token'), 'utf8').trim()
  }

  async ask(method: string, path: string, body?: Json, token?: string): Promise<Json> {
    const answer = await fetch(this.url + path, {
      method, ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`)
    return text === '' ? null : (JSON.parse(text) as Json)
  }

  /** What the program prints. */
  run(...words: readonly string[]): string {
    return execFileSync(BIN as string, words, { encoding: 'utf8' })
  }

  /** A browser of its own: nothing is shared with others but the server. */
  async browser({ width = 1280, height = 900, scheme = 'dark' }: Look = {}): Promise<BrowserContext> {
    const context = await (this.#browser as Browser).newContext({
      viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'],
    })
    context.setDefaultTimeout(PATIENCE_MS)
    if (INSTEAD) await context.route(({ pathname }) => pathname === '/' || pathname.startsWith('/monitor/'), async (route) => {
      const answer = await route.fetch()
      const path = new URL(route.request().url()).pathname.replace('/monitor/', '') || 'index.html'
      await route.fulfill({ response: answer, body: readFileSync(join(INSTEAD, path === '/' ? 'index.html' : path)) })
    })
    return context
  }

  /** A window with the monitor of a production, in step. */
  async window(browser: BrowserContext, production: string): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(`${this.url}/?production=${production}`)
    await connected(page)
    return page
  }

  async close(): Promise<void> {
    await this.#browser?.close()
    for (const agent of this.#agents) agent.close()
    await this.kill()
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** A program behind a service: it does what it is asked, or fails, or keeps silent. */
export class Agent {
  /** Actions that fail, with what it says; `undefined` in their place: it keeps silent. */
  readonly fails = new Map<string, string | undefined>()
  readonly #socket: WebSocket
  readonly ready: Promise<void>

  constructor(url: string, production: string) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/agents`)
    this.#socket = socket
    this.ready = new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => socket.send(JSON.stringify({ type: 'register', production, service: 'host' })))
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as { readonly type: string; readonly id?: string; readonly action?: string }
        if (message.type === 'registered') resolve()
        if (message.type !== 'task') return
        const { id, action = '' } = message
        const error = this.fails.get(action)
        if (this.fails.has(action) && error === undefined) return
        socket.send(JSON.stringify(error === undefined ? { type: 'done', id } : { type: 'failed', id, error, retryable: false }))
      })
    })
  }

  close(): void {
    this.#socket.removeAllListeners('error')
    this.#socket.on('error', () => {})
    this.#socket.close()
  }
}

/** Waits until the page says that it is in step. */
export function connected(page: Page): Promise<void> {
  return page.getByRole('status', { name: 'Connection' }).getByText('connected', { exact: true }).waitFor()
}

/** Waits until the show is in this phase. */
export function phase(page: Page, word: string): Promise<void> {
  return page.getByRole('status', { name: 'Phase' }).getByText(word, { exact: true }).waitFor()
}

/** Tries until it holds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, ms = PATIENCE_MS): Promise<void> {
  const end = Date.now() + ms
  for (;;) {
    if (await holds()) return
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

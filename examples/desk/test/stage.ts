// A stage for browser tests: a real server that can be killed and comes back on its port, the built desk on an origin of
// its own, and Debian's Chromium. Without the program or the browser, what needs them is skipped.

import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { Client, Commit, Json } from '@onair/client'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

declare global {
  var client: Client
}

const BIN = process.env['ONAIR_BIN']
const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
const BUILT = fileURLToPath(new URL('../dist', import.meta.url))
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
/** Until a program or a page has done what it is asked. */
export const PATIENCE_MS = 30_000

/** Why nothing can be tried here, if so. */
export const MISSING =
  BIN === undefined ? 'ONAIR_BIN names no program'
  : CHROMIUM === undefined ? 'there is no Chromium'
  : !existsSync(join(BUILT, 'index.html')) ? 'the desk is not built'
  : undefined

export class Stage {
  readonly #data = mkdtempSync(join(tmpdir(), 'onair-desk-'))
  readonly #pages = pages()
  #origin = ''
  #server: ChildProcess | undefined
  #browser: Browser | undefined
  /** Where the server is. */
  url = ''

  async open(): Promise<this> {
    this.#origin = `http://127.0.0.1:${await listening(this.#pages)}`
    await this.start()
    this.#browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox', '--disable-gpu'] })
    return this
  }

  /** Starts the server: on a free port at first, and where it was from then on. */
  async start(): Promise<void> {
    const listen = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host
    const options = ['serve', '--data', this.#data, '--listen', listen, '--metrics-listen', '127.0.0.1:0', '--origin', this.#origin, '--json']
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

  /** A browser of its own: nothing is shared with others but the server. */
  async browser(viewport = { width: 1280, height: 800 }): Promise<BrowserContext> {
    const context = await (this.#browser as Browser).newContext({ viewport, reducedMotion: 'reduce' })
    context.setDefaultTimeout(PATIENCE_MS)
    return context
  }

  /** A tab with the desk, in step. */
  async tab(browser: BrowserContext): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(`${this.#origin}/?server=${this.url}`)
    await connected(page)
    return page
  }

  async put(path: string, value: Json): Promise<void> {
    const answer = await fetch(`${this.url}/v1/productions/main/documents/${path}`, {
      method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value),
    })
    if (!answer.ok) throw new Error(`PUT ${path} was answered ${answer.status}: ${await answer.text()}`)
  }

  /** The whole log. */
  async log(): Promise<readonly Commit[]> {
    const all: Commit[] = []
    for (;;) {
      const answer = await fetch(`${this.url}/v1/productions/main/changes?after=${all.length}&limit=1000`)
      const { commits } = (await answer.json()) as { readonly commits: readonly Commit[] }
      if (commits.length === 0) return all
      all.push(...commits)
    }
  }

  async close(): Promise<void> {
    await this.#browser?.close()
    await this.kill()
    await new Promise((resolve) => this.#pages.close(resolve))
    rmSync(this.#data, { recursive: true, force: true })
  }
}

/** Waits until the desk says that it is in step. */
export function connected(page: Page): Promise<void> {
  return page.getByText('Connected', { exact: true }).waitFor()
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

/** The built desk, as any web server would serve it. */
function pages(): Server {
  return createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://desk').pathname)
    const file = join(BUILT, path === '/' ? 'index.html' : path)
    if (!existsSync(file)) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

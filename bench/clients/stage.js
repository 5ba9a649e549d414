// What each measurement needs: the server, a place that serves one page, and Debian's Chromium.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const BIN = process.env.ONAIR_BIN
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path))
if (!BIN) throw new Error('ONAIR_BIN must name a release build of onair')
if (!CHROMIUM) throw new Error('there is no Chromium: install it, or name it in CHROMIUM')

export const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))

/** Bundles one file of this directory for a page. */
export async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true, format: 'iife', write: false, minify: true, define, logLevel: 'error', jsx: 'automatic',
  })
  return outputFiles[0].text
}

/** An origin with one page that runs `script`. */
export async function page(script) {
  const server = createServer((request, response) => {
    const isScript = request.url?.endsWith('.js')
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
    response.end(isScript ? script : '<!doctype html><title>bench</title><p id="seen"></p><div id="root"></div><script src="/page.js"></script>')
  })
  return { server, origin: `http://127.0.0.1:${await listening(server)}` }
}

/** A server of onair with its log on disk. */
export async function onair(origin) {
  const data = mkdtempSync(join(tmpdir(), 'onair-bench-'))
  const child = spawn(BIN, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--origin', origin, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  child.stdout.resume()
  return {
    url: JSON.parse(value).api,
    async end() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(data, { recursive: true, force: true })
    },
  }
}

export const browser = () => chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })

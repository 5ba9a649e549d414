// A real server for tests: started on free ports, killed as by a power cut, started again on the same log and port.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The program, `ONAIR_BIN`; without it what needs it is skipped. */
export const BIN = process.env['ONAIR_BIN']
if (!BIN) console.warn('skipped: ONAIR_BIN is not set to the program, so nothing is tried against the real server')

export class RealServer {
  readonly #data = mkdtempSync(join(tmpdir(), 'onair-client-'))
  #process: ChildProcess | undefined
  url = ''

  /** `origin` is a page's that may call. */
  async start(origin?: string): Promise<this> {
    const listen = this.url === '' ? `127.0.0.1:${await freePort()}` : new URL(this.url).host
    const options = ['serve', '--data', this.#data, '--listen', listen, '--metrics-listen', '127.0.0.1:0', '--json', ...(origin ? ['--origin', origin] : [])]
    const started = spawn(BIN as string, options, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = started
    for await (const line of createInterface({ input: started.stdout })) {
      this.url = (JSON.parse(line) as { api: string }).api
      started.stdout.resume()
      return this
    }
    throw new Error('the server ended before it said where it serves')
  }

  token(name: string, role: string): string {
    const options = ['token', 'create', '--name', name, '--role', role, '--server', this.url, '--data', this.#data, '--json']
    const said = JSON.parse(execFileSync(BIN as string, options, { encoding: 'utf8' })) as Record<string, string>
    return said['token'] ?? said['secret'] ?? ''
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    const ending = this.#process
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

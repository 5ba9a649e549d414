// The golden files are messages by the generated types too: what Rust reads and writes, the compiler takes (row E4).
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fixture } from './fixtures.js'

interface Case { readonly text: string; readonly heard?: string | object }

const TYPES = fileURLToPath(new URL('../src/types.js', import.meta.url))
const OPTIONS = ['--ignoreConfig', '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022', '--types', '']

/** What the compiler says about these lines; nothing when they are right. */
function compiled(lines: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'onair-types-'))
  const file = join(folder, 'golden.mts')
  const names = 'AgentMessage, AgentServerMessage, ClientMessage, Commit, ServerMessage'
  writeFileSync(file, [`import type { ${names} } from ${JSON.stringify(TYPES)}`, ...lines, ''].join('\n'))
  try {
    execFileSync('npx', ['--no-install', 'tsc', ...OPTIONS, file], { encoding: 'utf8', stdio: 'pipe' })
    return ''
  } catch (error) {
    return (error as { stdout: string }).stdout || String(error)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Those of a file that are understood, as values that are to be of a type. */
function understood(file: string, type: string): string[] {
  const { cases } = fixture<{ cases: Case[] }>(`wire/${file}.json`)
  // A bare revision is read, but a client that knows the log says a position.
  const said = cases.filter(({ text, heard }) => typeof heard !== 'object' && !text.includes('"after":43'))
  return said.map(({ text }) => `;(${text}) satisfies ${type}`)
}

test('e4 what is in the golden files is of the generated types', () => {
  const lines = [
    ...understood('client-messages', 'ClientMessage'),
    ...understood('server-messages', 'ServerMessage'),
    ...understood('agent-messages', 'AgentMessage'),
    ...understood('agent-server-messages', 'AgentServerMessage'),
    ...understood('commits', 'Commit'),
  ]
  expect(lines.length).toBeGreaterThan(50)
  expect(compiled(lines)).toBe('')
})

test('e4 what is refused for its shape is not of the generated types', () => {
  const wrong: readonly [string, string][] = [
    ['ClientMessage', '{"type":"hello","tokn":"t"}'],
    ['ClientMessage', '{"type":"subscribe"}'],
    ['ClientMessage', '{"type":"mutate","id":"m-2","production":"main","mutations":[{"op":"put","collection":"a","document":"b"}]}'],
    ['ClientMessage', '{"type":"pong"}'],
    ['AgentMessage', '{"type":"done","id":7}'],
    ['AgentMessage', '{"type":"status","healthy":1}'],
    ['Commit', '{"revision":1}'],
  ]
  // The compiler complains where a line is right.
  const lines = wrong.flatMap(([type, text]) => ['// @ts-expect-error', `;(${text}) satisfies ${type}`])
  expect(compiled(lines)).toBe('')
})

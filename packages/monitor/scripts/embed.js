// The page that stands in the server: `write` builds it into crates/server/assets/monitor, `check` builds it again and
// fails when what is committed is not that, or when it is larger than it may be.
import { readFileSync, readdirSync, rmSync, mkdirSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const here = fileURLToPath(new URL('..', import.meta.url))
const committed = fileURLToPath(new URL('../../../crates/server/assets/monitor', import.meta.url))
const LIMIT = 150_000

const built = join(here, 'dist')
await build({ root: here, logLevel: 'warn', build: { outDir: built, emptyOutDir: true } })
const names = readdirSync(built).sort()

if (process.argv[2] === 'write') {
  rmSync(committed, { recursive: true, force: true })
  mkdirSync(committed, { recursive: true })
  for (const name of names) copyFileSync(join(built, name), join(committed, name))
}

const there = readdirSync(committed).sort()
const differ = [...new Set([...names, ...there])].filter((name) => !names.includes(name) || !there.includes(name) || !readFileSync(join(built, name)).equals(readFileSync(join(committed, name))))
if (differ.length > 0) {
  console.error(`the embedded monitor is not what its sources build: ${differ.join(', ')}; run \`npm run embed -w onair-monitor\` and commit it`)
  process.exitCode = 1
}
const bytes = names.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length, 0)
console.log(`monitor: ${bytes} bytes gzip, at most ${LIMIT}`)
if (bytes > LIMIT) process.exitCode = 1

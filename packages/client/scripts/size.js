// What an application pays for each entry, and the most that the core may cost: fails when it is larger.
import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

const CORE_BYTES_MAX = 12 * 1024
const entries = { 'core': 'src/index.ts', 'notifications': 'src/notifications/index.ts' }

for (const [name, entry] of Object.entries(entries)) {
  const built = await build({
    entryPoints: [entry], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, legalComments: 'none',
  })
  const text = built.outputFiles[0].contents
  const gzip = gzipSync(text, { level: 9 }).length
  const limit = name === 'core' ? `, at most ${CORE_BYTES_MAX}` : ''
  console.log(`${name}: ${gzip} bytes gzip (${text.length} minified${limit})`)
  if (name === 'core' && gzip > CORE_BYTES_MAX) process.exitCode = 1
}

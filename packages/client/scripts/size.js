// What an application pays. The core is the session without transport and storage; the client is all that is loaded to be
// in step over a socket. What comes later only where it is needed (other transports, other storages) is told beside it.
// Fails when an entry is larger than it may be.
import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

const ENTRIES = {
  core: { entry: 'src/core.ts', limit: 12 * 1024 },
  client: { entry: 'src/index.ts', limit: 18 * 1024 },
  notifications: { entry: 'src/notifications/index.ts', limit: 4 * 1024 },
}

const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length

for (const [name, { entry, limit }] of Object.entries(ENTRIES)) {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry], bundle: true, splitting: true, minify: true, format: 'esm', target: 'es2022', outdir: 'out',
    write: false, metafile: true, legalComments: 'none', logLevel: 'error',
  })
  const outputs = Object.entries(metafile.outputs)
  const bytesOf = (path) => gzip(outputFiles.find((file) => file.path.endsWith(path)).contents)
  const first = outputs.find(([, output]) => output.entryPoint === entry)[0]
  // What the entry imports without being asked for it later counts with it.
  const now = new Set([first])
  for (const path of now) {
    for (const { path: other, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') now.add(other)
  }
  const core = [...now].reduce((sum, path) => sum + bytesOf(path), 0)
  const later = outputs.filter(([path]) => !now.has(path)).reduce((sum, [path]) => sum + bytesOf(path), 0)
  console.log(`${name}: ${core} bytes gzip, at most ${limit}${later > 0 ? `; ${later} more where they are needed` : ''}`)
  if (core > limit) process.exitCode = 1
}

// What hooks cost an application beside React and the client. Fails when an entry is larger than it may be.
import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

const ENTRIES = {
  react: { entry: 'src/index.ts', limit: 8 * 1024 },
  zustand: { entry: 'src/zustand.ts', limit: 2 * 1024 },
  query: { entry: 'src/query.ts', limit: 1024 },
  monitor: { entry: 'src/monitor/index.ts', limit: 32 * 1024 },
}

for (const [name, { entry, limit }] of Object.entries(ENTRIES)) {
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, legalComments: 'none',
    jsx: 'automatic', external: ['react', 'react/jsx-runtime', '@onair/client', '@onair/client/*'], define: { 'process.env.NODE_ENV': '"production"' },
  })
  const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length
  console.log(`${name}: ${bytes} bytes gzip, at most ${limit}`)
  if (bytes > limit) process.exitCode = 1
}

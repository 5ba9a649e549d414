// How the tests are run: a page without a browser, and the client from its source, so that nothing needs to be built.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { alias: { '@onair/client': fileURLToPath(new URL('../client/src/index.ts', import.meta.url)) } },
  test: { include: ['test/**/*.test.{ts,tsx}'], environment: 'happy-dom', testTimeout: 20_000 },
})

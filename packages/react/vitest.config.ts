// How the tests are run: a page without a browser, and the client from its source, so that nothing needs to be built.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const client = (file: string): string => fileURLToPath(new URL(`../client/src/${file}`, import.meta.url))

export default defineConfig({
  resolve: { alias: { '@onair/client/core': client('core.ts'), '@onair/client/notifications': client('notifications/index.ts'), '@onair/client': client('index.ts') } },
  test: { include: ['test/**/*.test.{ts,tsx}'], environment: 'happy-dom', testTimeout: 20_000 },
})

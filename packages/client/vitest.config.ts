// How the tests are run: plain Node, what a browser has is brought by the tests that need it.
import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 60_000 } })

// The page in three files whose names stay, from the sources of the packages: the same input gives the same bytes.
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vite'

const source = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

export default defineConfig({
  base: '/monitor/',
  resolve: {
    alias: [
      { find: /^@onair\/client\/core$/, replacement: source('client/src/core.ts') },
      { find: /^@onair\/client$/, replacement: source('client/src/index.ts') },
      { find: /^@onair\/react\/monitor$/, replacement: source('react/src/monitor/index.ts') },
      { find: /^@onair\/react$/, replacement: source('react/src/index.ts') },
    ],
    dedupe: ['react', 'react-dom'],
  },
  build: {
    target: 'es2022',
    modulePreload: false,
    rollupOptions: {
      output: { entryFileNames: 'monitor.js', assetFileNames: 'monitor.[ext]', codeSplitting: false },
    },
  },
  server: { host: '127.0.0.1', port: 5174, strictPort: true, proxy: { '/v1': { target: 'http://127.0.0.1:4200', ws: true } } },
})

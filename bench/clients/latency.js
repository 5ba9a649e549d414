// From a write in one tab to the page of another tab, and of another browser, that shows it; milliseconds. The same pages, browsers
// and rate for each way, in turn, three rounds. onair has it on disk before anybody sees it; the others keep it in memory.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Server } from 'socket.io'
import { quantile, sorted } from './numbers.js'
import { browser, bundle, listening, onair, page } from './stage.js'

const ROUNDS = Number(process.env.ROUNDS ?? 3)
const WRITES = Number(process.env.WRITES ?? 200)
/** Between two writes: longer than the client's batches, so what is measured is the way and not the batch. */
const EVERY_MS = 120

const { setupWSConnection } = createRequire(import.meta.url)('y-websocket/bin/utils')
const { WebSocketServer } = createRequire(import.meta.url)('ws')

const { server: pages, origin } = await page(await bundle('./latency.page.js'))
const ours = await onair(origin)
const rooms = createServer()
new Server(rooms, { cors: { origin } }).on('connection', (socket) => socket.on('value', (value) => socket.broadcast.emit('value', value)))
const documents = createServer()
new WebSocketServer({ server: documents }).on('connection', (socket, request) => setupWSConnection(socket, request))
const ways = {
  bare: ours.url,
  onair: ours.url,
  socketio: `http://127.0.0.1:${await listening(rooms)}`,
  yjs: `http://127.0.0.1:${await listening(documents)}`,
}

const browsers = [await browser(), await browser()]
const found = new Map(Object.keys(ways).map((way) => [way, { tab: [], other: [] }]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [way, url] of Object.entries(ways)) {
    const contexts = [await browsers[0].newContext(), await browsers[1].newContext()]
    const tabs = [await contexts[0].newPage(), await contexts[0].newPage(), await contexts[1].newPage()]
    for (const tab of tabs) {
      await tab.goto(origin)
      await tab.evaluate(([way, url]) => begin[way](url), [way, url])
    }
    const [author, tab, other] = tabs
    await new Promise((resolve) => setTimeout(resolve, 500))
    for (const one of tabs) await one.evaluate(() => (seen.length = 0))
    await author.evaluate(
      ([writes, every]) =>
        new Promise((resolve) => {
          let n = 0
          const timer = setInterval(() => {
            if (n === writes) {
              clearInterval(timer)
              return setTimeout(resolve, 500)
            }
            n += 1
            write(n)
          }, every)
        }),
      [WRITES, EVERY_MS],
    )
    for (const [name, one] of [['tab', tab], ['other', other]]) {
      const seen = await one.evaluate(() => seen)
      if (seen.length !== WRITES || seen.some(([n], at) => n !== at + 1)) console.error(`${way}, ${name}: ${seen.length} of ${WRITES} were seen`)
      found.get(way)[name].push(...seen.map(([, ms]) => ms))
    }
    for (const context of contexts) await context.close()
  }
}
for (const one of browsers) await one.close()
await ours.end()
for (const server of [pages, rooms, documents]) server.close()

const bare = sorted(found.get('bare').other)
for (const [way, { tab, other }] of found) {
  const cells = [tab, other].map((numbers) => {
    const all = sorted(numbers)
    return `median ${quantile(all, 0.5).toFixed(2)} p99 ${quantile(all, 0.99).toFixed(2)}`
  })
  const ratio = (quantile(sorted(other), 0.5) / quantile(bare, 0.5)).toFixed(2)
  console.log(`${way.padEnd(8)} other tab: ${cells[0]}; other browser: ${cells[1]}; ratio of medians to the bare messages ${ratio}`)
}
process.exit(0)

// From a commit to the pixel: a document is put, and the monitor page shows its revision. Beside it, from the same moment, the bare
// message of a WebSocket in another page of the same browser. Milliseconds; the pixel is the frame behind the change.
import { quantile, sorted } from './numbers.js'
import { browser, bundle, onair, page } from './stage.js'

const WRITES = Number(process.env.WRITES ?? 400)
const EVERY_MS = 120

const { server: pages, origin } = await page(await bundle('./latency.page.js'))
const ours = await onair(origin)
const chromium = await browser()
const context = await chromium.newContext()
const monitor = await context.newPage()
await monitor.goto(`${ours.url}/#main`)
await monitor.waitForFunction(() => /revision \d+/.test(document.body.textContent))
const bare = await (await chromium.newContext()).newPage()
await bare.goto(origin)
await bare.evaluate((url) => begin.bare(url), ours.url)
await monitor.evaluate(() => {
  globalThis.shown = []
  let last = ''
  const look = () => {
    const [, revision] = /revision (\d+)/.exec(document.body.textContent) ?? []
    if (revision === undefined || revision === last) return
    last = revision
    requestAnimationFrame(() => shown.push([Number(revision), performance.timeOrigin + performance.now()]))
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
})
const begun = new Map()
for (let n = 1; n <= WRITES; n += 1) {
  const at = performance.timeOrigin + performance.now()
  const answer = await fetch(`${ours.url}/v1/productions/main/documents/bench/value`, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ n, at }),
  })
  begun.set(Number(answer.headers.get('etag')?.replaceAll('"', '')), at)
  await answer.text()
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
}
await new Promise((resolve) => setTimeout(resolve, 1_000))
const shown = (await monitor.evaluate(() => shown)).filter(([revision]) => begun.has(revision)).map(([revision, at]) => at - begun.get(revision))
const heard = (await bare.evaluate(() => seen)).map(([, ms]) => ms)
await chromium.close()
await ours.end()
pages.close()

const [pixel, message] = [sorted(shown), sorted(heard)]
const told = (all) => `median ${quantile(all, 0.5).toFixed(1)} p99 ${quantile(all, 0.99).toFixed(1)} (${all.length} of ${WRITES})`
console.log(`message ${told(message)}; pixel ${told(pixel)}; ratio of medians ${(quantile(pixel, 0.5) / quantile(message, 0.5)).toFixed(2)}`)
process.exit(0)

// Renders per commit with a thousand subscribed components: only the one concerned may be rendered. What a commit costs the page from
// its news to the changed element is told beside it, with ten components and with a thousand.
import { quantile, sorted } from './numbers.js'
import { browser, bundle, onair, page } from './stage.js'

const COMMITS = 200

const { server, origin } = await page(await bundle('./renders.page.jsx', { 'process.env.NODE_ENV': '"production"' }))
const ours = await onair(origin)
const chromium = await browser()

for (const cells of [10, 1_000]) {
  for (let at = 0; at < cells; at += 100) {
    const mutations = Array.from({ length: Math.min(100, cells - at) }, (_, n) => ({ op: 'put', collection: 'cells', document: `c${at + n}`, value: { n: 0 } }))
    const answer = await fetch(`${ours.url}/v1/productions/main/mutations`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id: `make-${cells}-${at}`, mutations }),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  const tab = await (await chromium.newContext()).newPage()
  await tab.goto(origin)
  await tab.evaluate(([url, cells]) => begin(url, cells), [ours.url, cells])
  await tab.waitForFunction((last) => document.getElementById(last)?.textContent === '0', `c${cells - 1}`)
  const took = await tab.evaluate(
    async ([commits, cells]) => {
      renders = 0
      const took = []
      for (let n = 1; n <= commits; n += 1) {
        const id = `c${(n * 7) % cells}`
        const shown = new Promise((resolve) => new MutationObserver((_, self) => (self.disconnect(), resolve())).observe(document.getElementById(id), { childList: true, characterData: true, subtree: true }))
        const begun = performance.now()
        const answered = client.put('cells', id, { n })
        await shown
        took.push(performance.now() - begun)
        await answered
      }
      return { took, renders }
    },
    [COMMITS, cells],
  )
  const all = sorted(took.took)
  console.log(
    `${String(cells).padStart(5)} components: ${(took.renders / COMMITS).toFixed(2)} renders per commit; own edit to the element changed: ` +
      `median ${quantile(all, 0.5).toFixed(2)} ms, p99 ${quantile(all, 0.99).toFixed(2)} ms`,
  )
  await tab.context().close()
}
await chromium.close()
await ours.end()
server.close()
process.exit(0)

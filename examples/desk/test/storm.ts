// One minute of a bad evening: three tabs in one browser and one in another edit all the time, while the network drops,
// the server is killed and started again, the leading tab is closed, and a tab is reloaded with edits in its queue.
// What every author was told is written down, to be compared with the log.

import type { Page } from 'playwright-core'

import { chance } from './chance.js'
import { connected, PATIENCE_MS, until, type Stage } from './stage.js'

/** What an edit was, and what its author was told. */
export interface Told {
  /** `marks/{name}` is its document, and nobody else's. */
  readonly mark: string
  readonly outcome: 'applied' | 'merged' | 'conflict' | 'refused'
  readonly revision?: number
  readonly code?: string
}

/** What is known of a tab. */
interface Record {
  told: Told[]
  /** Marks that were made and not answered, and whether they were on disk already. */
  made: { mark: string; stored: boolean; refused: boolean }[]
}

interface Editor {
  readonly stop: () => Promise<Record>
}

declare global {
  var editor: Editor
}

export interface Storm extends Record {
  /** Edits of tabs that are still there and never heard of them. */
  readonly unanswered: readonly string[]
  readonly digests: readonly string[]
  readonly positions: readonly string[]
  /** What clients noticed and healed. */
  readonly reports: readonly string[]
  readonly done: readonly string[]
}

/** `rate` is edits of one tab per second. */
export async function storm(stage: Stage, seed: number, ms: number, rate: number): Promise<Storm> {
  const random = chance(seed)
  const pause = (least: number, most: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, least + random() * (most - least)))
  const [one, other] = [await stage.browser(), await stage.browser()]
  const record: Record = { told: [], made: [] }
  const reports: string[] = []
  const done: string[] = []
  let tabs = 0
  const tab = async (browser: typeof one): Promise<Page> => {
    const page = await stage.tab(browser)
    page.on('console', (message) => message.text().startsWith('report ') && reports.push(message.text().slice(7)))
    await begin(page)
    return page
  }
  const begin = async (page: Page): Promise<void> => {
    tabs += 1
    await edits(page, `t${tabs}`, seed + tabs, rate)
  }
  const collect = async (page: Page): Promise<void> => {
    const { told, made } = await page.evaluate(() => editor.stop())
    record.told.push(...told)
    record.made.push(...made)
  }
  let pages = [await tab(one), await tab(one), await tab(one)]
  const far = await tab(other)

  const acts: Readonly<globalThis.Record<string, () => Promise<void>>> = {
    'the network drops': async () => {
      const browser = random() < 0.5 ? one : other
      await browser.setOffline(true)
      // A client gives a link that says nothing five seconds; some of these are shorter, and it goes on over the same link.
      await pause(500, 8_000)
      await browser.setOffline(false)
    },
    'the server is killed': async () => {
      await stage.kill()
      await pause(100, 1_500)
      await stage.start()
    },
    'the leading tab is closed': async () => {
      const [leader, ...rest] = pages as [Page, ...Page[]]
      await collect(leader)
      await leader.close()
      pages = [...rest, await tab(one)]
    },
    'a tab is reloaded with edits in its queue': async () => {
      await stage.kill()
      await pause(200, 500)
      await collect(far)
      await far.reload()
      await stage.start()
      await connected(far)
      await begin(far)
    },
  }
  // Each of them at least once, in any order; then whatever comes.
  const names = Object.keys(acts).sort(() => random() - 0.5)
  const end = Date.now() + ms
  for (let round = 0; Date.now() < end || round < names.length; round += 1) {
    const name = names[round] ?? (names[Math.floor(random() * names.length)] as string)
    await pause(200, ms / 12)
    done.push(name)
    await acts[name]?.()
  }
  await pause(200, 500)
  const all = [...pages, far]
  for (const page of all) await collect(page)
  const states = (): Promise<string[]> => Promise.all(all.map((page) => page.evaluate(() => {
    const { state, pending, lag, reason } = client.connection
    const first = client.queue()[0]
    const quiet = state === 'connected' && pending === 0 && lag === 0
    return quiet ? 'quiet' : JSON.stringify({ state, reason, pending, lag, at: client.position, first })
  })))
  let last: string[] = []
  const quiet = async (): Promise<boolean> => (last = await states()).every((state) => state === 'quiet')
  await until('all are connected and nothing waits', quiet, PATIENCE_MS).catch((error: unknown) => {
    throw new Error([String(error), done.join(', '), ...last].join('\n'))
  })
  // The last commits may be on their way to a tab that has nothing of its own to wait for.
  const at = String((await stage.log()).length)
  await until('all are where the log is', async () => {
    const positions = await Promise.all(all.map((page) => page.evaluate(() => client.position.split(':')[1])))
    return positions.every((position) => position === at)
  })
  const digests = await Promise.all(all.map((page) => page.evaluate(() => client.digest)))
  const positions = await Promise.all(all.map((page) => page.evaluate(() => client.position)))
  // What was not answered when its tab was asked is asked for once more, now that all is quiet.
  const late = await Promise.all(all.map((page) => page.evaluate(() => editor.stop())))
  record.told.push(...late.flatMap(({ told }) => told))
  const answered = new Set(record.told.map(({ mark }) => mark))
  const made = record.made.filter(({ mark }) => !answered.has(mark))
  const unanswered = late.flatMap((tab) => tab.made.map(({ mark }) => mark))
  await one.close()
  await other.close()
  return { told: record.told, made, unanswered, digests, positions, reports, done }
}

/** Begins to edit in a page: marks of its own, a few fields that all fight for, and some edits that must be refused. */
function edits(page: Page, name: string, seed: number, rate: number): Promise<void> {
  return page.evaluate(
    ([name, seed, rate]) => {
      let state = seed
      const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
      let count = 0
      let told: Told[] = []
      const open = new Map<string, boolean>()
      client.onReport((report) => console.log(`report ${JSON.stringify(report)}`))
      const edit = (): void => {
        count += 1
        const mark = `${name}-${count}`
        const refused = random() < 0.1
        const mutations = refused
          ? [
              { op: 'put', collection: 'marks', document: mark, value: { name } } as const,
              { op: 'patch', collection: 'marks', document: 'nobody-made-it', patch: { count } } as const,
            ]
          : [
              { op: 'put', collection: 'marks', document: mark, value: { name } } as const,
              ...(random() < 0.5 ? [{ op: 'patch', collection: 'layers', document: 'shared', patch: { [`f${Math.floor(random() * 4)}`]: mark } } as const] : []),
            ]
        open.set(mark, refused)
        void client.mutate(mutations).then((result) => {
          open.delete(mark)
          const more = result.outcome === 'refused' ? { code: result.error.code } : { revision: result.revision }
          told.push({ mark, outcome: result.outcome, ...more })
        })
      }
      let timer = setInterval(edit, (1_000 / rate) * (0.8 + random() * 0.4))
      globalThis.editor = {
        async stop() {
          clearInterval(timer)
          timer = 0 as never
          const queue = client.queue()
          const made = [...open].map(([mark, refused]) => {
            const waits = queue.find(({ edits }) => edits.some(({ document }) => document === mark))
            return { mark, refused, stored: waits !== undefined && waits.order < Number.MAX_SAFE_INTEGER }
          })
          const result = { told, made }
          told = []
          return result
        },
      }
    },
    [name, seed, rate] as const,
  )
}

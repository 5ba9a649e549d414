// Polling: the log asked for what is new, now and then, where nothing stays open (row E3).

import { Cache } from '../cache.js'
import { OnairError } from '../errors.js'
import type { ClientMessage, Commit, Documents, Entry } from '../types.js'
import { Asker, said } from './asked.js'
import type { Hears, Link, Site } from './link.js'

/** Commits in one answer. */
const COMMITS = 1_000
/** The server's collections, which the snapshot over HTTP shows under names of their own. */
const SERVERS = ['_system', '_transitions', '_services', '_sequences', '_conflicts', '_findings', '_backends']

interface Changes {
  readonly commits: readonly Commit[]
  readonly epoch: string
  readonly revision: number
}

export function poll(site: Site, hears: Hears): Link {
  const asker = new Asker(site.http, hears)
  let round = 0
  let now: (() => void) | undefined
  const subscribe = async ({ after, collections }: ClientMessage & { type: 'subscribe' }): Promise<void> => {
    round += 1
    const mine = round
    const wanted = (name: string): boolean => !collections || collections.includes(name)
    let position = after
    let failures = 0
    let first = true
    while (mine === round) {
      try {
        position ??= await snapshot(site, hears, wanted)
        const { commits, epoch, revision } = await changes(site, position)
        if (mine !== round) return
        if (first) hears.message({ type: 'subscribed', production: site.production, epoch, revision })
        hears.alive()
        for (const commit of commits) {
          const kept = commit.changes.filter(({ collection }) => wanted(collection))
          hears.message({ ...commit, changes: kept, type: 'commit', production: site.production, epoch })
          position = `${epoch}:${commit.revision}`
        }
        first = false
        failures = 0
        if (commits.length === COMMITS) continue
      } catch (error) {
        // Another log, or no longer kept: everything anew.
        if (error instanceof OnairError && (error.code === 'compacted' || error.code === 'invalid') && position !== undefined) {
          position = undefined
          continue
        }
        failures += 1
        const refused = error instanceof OnairError && error.kind === 'permission'
        if (refused || failures >= site.maxRetries || first) return mine === round ? hears.closed(undefined, said(error)) : undefined
      }
      await new Promise<void>((resolve) => {
        now = resolve
        setTimeout(resolve, site.pollInterval)
      })
    }
  }
  queueMicrotask(() => hears.opened())
  return {
    send: (message) => {
      if (message.type === 'subscribe') void subscribe(message)
      else if (message.type === 'ping') now?.()
      else asker.say(message)
    },
    close() {
      round += 1
      now?.()
    },
  }
}

function changes(site: Site, after: string): Promise<Changes> {
  return site.http.json(`changes?after=${after}&limit=${COMMITS}`)
}

/**
 * Everything, from answers that are of different moments: documents are read one collection after the other, and then
 * the commits since the first answer are applied to those that are older than they. Behind the last it is exact.
 */
async function snapshot(site: Site, hears: Hears, wanted: (name: string) => boolean): Promise<string> {
  const head = await site.http.json<{ epoch: string; revision: number; documents: Documents }>('')
  const documents: Record<string, Record<string, Entry>> = {}
  for (const [name, entries] of Object.entries(head.documents)) if (wanted(name)) documents[name] = entries
  for (const name of SERVERS.filter(wanted)) documents[name] = await all(site, name)
  const cache = new Cache()
  cache.load(head.epoch, head.revision, documents)
  for (;;) {
    const { commits, revision } = await changes(site, `${head.epoch}:${cache.revision}`)
    for (const commit of commits) {
      const older = ({ collection, id }: { collection: string; id: string }): boolean => {
        return wanted(collection) && (cache.get(collection, id)?.revision ?? 0) < commit.revision
      }
      cache.apply({ ...commit, changes: commit.changes.filter(older) })
    }
    if (cache.revision >= revision) break
  }
  const { epoch, revision } = cache
  const { production } = site
  hears.message({ type: 'subscribed', production, epoch, revision })
  hears.message({ type: 'snapshot', production, epoch, revision, documents: cache.documents() })
  return `${epoch}:${revision}`
}

async function all(site: Site, collection: string): Promise<Record<string, Entry>> {
  const found: [string, Entry][] = []
  let cursor: string | undefined
  do {
    const from: string = cursor === undefined ? '' : `&cursor=${cursor}`
    const page = await site.http.json<{ documents: ({ id: string } & Entry)[]; cursor?: string }>(`documents/${collection}?limit=1000${from}`)
    found.push(...page.documents.map(({ id, revision, value }) => [id, { revision, value }] as [string, Entry]))
    cursor = page.cursor
  } while (cursor !== undefined)
  return Object.fromEntries(found)
}

// The flight recorder: the log of a production, read in pages where somebody looks. Of every commit it keeps when it was
// and which row it is in, nine bytes; whole commits and keyframes only of the pages that were looked at last. So a hundred
// thousand commits open at once, and an hour's show costs as much as the first minute.

import { Cache } from '@onair/client/core'
import { OnairError, type Client, type Commit, type Documents } from '@onair/client'

import type { Past } from '../view.js'
import { FAMILIES, familyOf } from './families.js'

/** Commits of a page; each page has one keyframe, so a step back applies fewer than this. */
export const PAGE = 500
/** Whole pages and keyframes that are kept. */
const PAGES_MAX = 12
const KEYFRAMES_MAX = 6
/** Pages of the index that are kept: half a million commits in five megabytes. */
const INDEX_MAX = 1_000
/** Commits that are asked for at once where only the index is filled. */
const BULK = 5_000
/** Between two such questions, so that nothing stutters; milliseconds. */
const BREATH_MS = 15
/** No row yet. */
const UNKNOWN = 255

interface Index {
  readonly at: Float64Array
  readonly family: Uint8Array
  filled: number
}

interface Answer {
  readonly commits: readonly Commit[]
  readonly epoch: string
  readonly revision: number
}

export class Recorder {
  /** The first and the last revision there is. */
  oldest = 1
  newest: number
  error: string | undefined
  #epoch: string
  readonly #index = new Map<number, Index>()
  readonly #pages = new Map<number, Promise<readonly Commit[]>>()
  readonly #keyframes = new Map<number, Promise<Documents>>()
  readonly #listeners = new Set<() => void>()
  #walk: { readonly page: number; readonly cache: Cache } | undefined
  #filling = false
  #closed = false
  #version = 0
  #end: () => void

  constructor(readonly client: Client) {
    this.#epoch = this.#now().epoch
    this.newest = this.#now().revision
    this.#end = client.subscribe({}, () => this.#grown())
  }

  get version(): number {
    return this.#version
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#end()
  }

  /** Where the log begins; nothing else has to be known to show it. */
  async open(): Promise<void> {
    await this.#ask(0, 1).catch(() => undefined)
    this.#told()
  }

  /** The row of a revision, and when it was; `undefined` while it is not read. */
  entry(revision: number): { readonly family: number; readonly at: number } | undefined {
    const index = this.#index.get(pageOf(revision))
    const place = (revision - 1) % PAGE
    const family = index?.family[place] ?? UNKNOWN
    return family === UNKNOWN || !index ? undefined : { family, at: index.at[place] as number }
  }

  /** How many commits of each row are between two revisions, and how many are not read yet. */
  count(from: number, to: number, into: Uint32Array): void {
    into.fill(0)
    for (let page = pageOf(from); page <= pageOf(to); page += 1) {
      const [first, last] = [Math.max(from, page * PAGE + 1), Math.min(to, (page + 1) * PAGE)]
      const family = this.#index.get(page)?.family
      for (let revision = first; revision <= last; revision += 1) {
        const known = family?.[(revision - 1) % PAGE] ?? UNKNOWN
        const row = known === UNKNOWN ? FAMILIES.length : known
        into[row] = (into[row] as number) + 1
      }
    }
  }

  /** The commit itself. */
  async commit(revision: number): Promise<Commit | undefined> {
    const page = await this.#page(pageOf(revision))
    return page.find((one) => one.revision === revision)
  }

  /** The commits around a revision, as far as they are there. */
  async around(revision: number, before: number, after: number): Promise<readonly Commit[]> {
    const [from, to] = [Math.max(this.oldest, revision - before), Math.min(this.newest, revision + after)]
    const pages = await Promise.all([...new Set([pageOf(from), pageOf(to)])].map((page) => this.#page(page)))
    return pages.flat().filter((one) => one.revision >= from && one.revision <= to)
  }

  /** The production as it was. */
  async stateAt(revision: number): Promise<Past> {
    const page = pageOf(revision)
    const base = Math.max(page * PAGE, this.oldest - 1)
    const [commits, keyframe] = await Promise.all([this.#page(page), this.#keyframe(base)])
    let walk = this.#walk
    if (!walk || walk.page !== page || walk.cache.revision > revision || walk.cache.epoch !== this.#epoch) {
      walk = { page, cache: new Cache() }
      walk.cache.load(this.#epoch, base, keyframe)
      this.#walk = walk
    }
    let at = ''
    for (const commit of commits) {
      if (commit.revision > revision) break
      walk.cache.apply(commit)
      at = commit.at
    }
    if (walk.cache.revision !== revision) throw new Error(`revision ${revision} is not there; the log goes from ${this.oldest} to ${this.newest}`)
    return { revision, at, documents: walk.cache.documents() }
  }

  /** Reads the rows of what is not read yet, from `to` back to `from`, while nobody closes. */
  async fill(from: number, to: number): Promise<void> {
    if (this.#filling) return
    this.#filling = true
    try {
      for (let page = pageOf(to); page >= pageOf(from) && !this.#closed; page -= 1) {
        if (this.#isFilled(page)) continue
        const first = Math.max(pageOf(from), page - BULK / PAGE + 1)
        await this.#read(Math.max(first * PAGE, this.oldest - 1), Math.min((page + 1) * PAGE, this.newest), BULK)
        page = first
        this.#told()
        await new Promise((resolve) => setTimeout(resolve, BREATH_MS))
      }
      this.error = undefined
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error)
    } finally {
      this.#filling = false
      this.#told()
    }
  }

  #isFilled(page: number): boolean {
    const last = Math.min((page + 1) * PAGE, this.newest)
    const first = Math.max(page * PAGE, this.oldest - 1)
    return (this.#index.get(page)?.filled ?? 0) >= last - first
  }

  /** The commits behind `after` up to `to`; an answer may be shorter than asked for. */
  async #read(after: number, to: number, limit: number): Promise<readonly Commit[]> {
    const all: Commit[] = []
    while (after < to && !this.#closed) {
      const { commits } = await this.#ask(after, Math.min(limit, to - after))
      const last = commits.at(-1)
      if (!last) break
      all.push(...commits)
      after = last.revision
    }
    return all
  }

  async #ask(after: number, limit: number): Promise<Answer> {
    try {
      const answer = await this.client.http.json<Answer>(`changes?after=${after}&limit=${limit}`)
      if (answer.epoch !== this.#epoch) this.#begin(answer.epoch)
      this.newest = Math.max(this.newest, answer.revision)
      for (const commit of answer.commits) this.#note(commit)
      return answer
    } catch (error) {
      const oldest = error instanceof OnairError && error.code === 'compacted' ? Number(error.problem['oldest']) : Number.NaN
      if (!(oldest > after + 1)) throw error
      this.oldest = oldest
      return this.#ask(oldest - 1, limit)
    }
  }

  #note({ revision, at, cause }: Commit): void {
    const page = pageOf(revision)
    const index = this.#index.get(page) ?? { at: new Float64Array(PAGE), family: new Uint8Array(PAGE).fill(UNKNOWN), filled: 0 }
    const place = (revision - 1) % PAGE
    if (index.family[place] === UNKNOWN) index.filled += 1
    index.at[place] = Date.parse(at)
    index.family[place] = familyOf(cause.kind)
    this.#index.set(page, index)
    if (this.#index.size > INDEX_MAX) this.#index.delete(this.#index.keys().next().value as number)
  }

  #page(page: number): Promise<readonly Commit[]> {
    const known = this.#pages.get(page)
    // The last page grows.
    if (known && (page + 1) * PAGE <= this.newest) return kept(this.#pages, page, known, PAGES_MAX)
    const read = (known ?? Promise.resolve([])).then(async (before) => {
      const after = before.at(-1)?.revision ?? Math.max(page * PAGE, this.oldest - 1)
      const to = Math.min((page + 1) * PAGE, this.newest)
      return after >= to ? before : [...before, ...(await this.#read(after, to, PAGE))]
    })
    read.catch(() => this.#pages.delete(page))
    return kept(this.#pages, page, read, PAGES_MAX)
  }

  #keyframe(revision: number): Promise<Documents> {
    const known = this.#keyframes.get(revision)
    if (known) return kept(this.#keyframes, revision, known, KEYFRAMES_MAX)
    const { http } = this.client
    const at = `/v1/productions/${http.production}?at=${revision}&whole=true`
    const read = revision === 0 ? Promise.resolve({}) : http.read<{ readonly documents: Documents }>(at).then(({ documents }) => documents)
    read.catch(() => this.#keyframes.delete(revision))
    return kept(this.#keyframes, revision, read, KEYFRAMES_MAX)
  }

  #now(): { readonly epoch: string; readonly revision: number } {
    const [epoch = '', revision = '0'] = this.client.position.split(':')
    return { epoch, revision: Number(revision) }
  }

  #grown(): void {
    const { epoch, revision } = this.#now()
    if (epoch !== '' && epoch !== this.#epoch) this.#begin(epoch)
    if (revision <= this.newest) return
    this.newest = revision
    this.#told()
  }

  /** Another log: nothing of the old one holds. */
  #begin(epoch: string): void {
    this.#epoch = epoch
    this.oldest = 1
    this.newest = this.#now().revision
    this.#walk = undefined
    for (const map of [this.#index, this.#pages, this.#keyframes]) map.clear()
    this.#told()
  }

  #told(): void {
    this.#version += 1
    for (const listener of [...this.#listeners]) listener()
  }
}

export function pageOf(revision: number): number {
  return Math.floor((Math.max(1, revision) - 1) / PAGE)
}

/** Puts it last, and lets those go that were looked at longest ago. */
function kept<T>(map: Map<number, T>, key: number, value: T, max: number): T {
  map.delete(key)
  map.set(key, value)
  if (map.size > max) map.delete(map.keys().next().value as number)
  return value
}

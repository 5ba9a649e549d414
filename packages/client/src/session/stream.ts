// The stream of one production: what a message means for the cache. It never lets a gap pass for the truth: what does
// not follow is not applied, and what the digests do not prove is read anew.

import type { Replica, Changed, News } from '../replica.js'
import type { ClientMessage, ServerMessage } from '../types.js'
import type { Report } from './effect.js'

/** What is to be done about a message. */
export type Verdict =
  | { readonly is: 'news'; readonly news: News; readonly changed: readonly Changed[]; readonly report?: Report }
  /** Nothing, or what was known. */
  | { readonly is: 'quiet' }
  /** The digests agree. */
  | { readonly is: 'proved' }
  /** To be asked for again, from the position or from the beginning. */
  | { readonly is: 'astray'; readonly report: Report; readonly anew: boolean }
  /** Not to be believed: the connection is made anew. */
  | { readonly is: 'distrusted'; readonly report: Report }

const QUIET: Verdict = { is: 'quiet' }
/** How often a server that went back is doubted before it is believed: it is the one that knows. */
const DOUBTS_MAX = 3

export class Stream {
  /** Where the server said that it is. */
  #there = { epoch: '', revision: 0 }
  /** Answers to `subscribe` that are on their way: what comes before the last of them is of an older one. */
  #awaited = 0
  /** Whether anything was asked for over this link: what comes before was not meant for it. */
  #asked = false
  /** Everything was asked for, and what is here is not to be believed until it comes. */
  #anew = false
  #doubts = 0

  constructor(
    private readonly production: string,
    private readonly collections: readonly string[] | undefined,
    private readonly replica: Replica,
  ) {}

  /** A new link begins. */
  reset(): void {
    this.#awaited = 0
    this.#asked = false
  }

  /** Whether all is here that the server was known to have. */
  caughtUp(): boolean {
    const { epoch, revision } = this.replica.cache
    return this.#asked && this.#awaited === 0 && !this.#anew && epoch !== '' && epoch === this.#there.epoch && revision >= this.#there.revision
  }

  lag(): number {
    return Math.max(0, this.#there.revision - this.replica.cache.revision)
  }

  /** From where the cache is; `anew` from the beginning. The digest lets the server count who went astray. */
  subscribe(anew = this.#anew): ClientMessage {
    this.#awaited += 1
    this.#asked = true
    this.#anew ||= anew
    const { epoch, revision } = this.replica.cache
    const { production, collections } = this
    const from = anew || epoch === '' ? {} : { after: `${epoch}:${revision}`, digest: this.replica.cache.digest() }
    return { type: 'subscribe', production, ...from, ...(collections && { collections }) }
  }

  hear(message: ServerMessage): Verdict {
    if (!this.#asked) return QUIET
    if (message.type === 'subscribed') {
      this.#awaited = Math.max(0, this.#awaited - 1)
      this.#there = { epoch: message.epoch, revision: message.revision }
      return QUIET
    }
    if (this.#awaited > 0) return QUIET
    switch (message.type) {
      case 'snapshot':
        return this.#snapshot(message)
      case 'commit':
        return this.#commit(message)
      case 'digest':
        return this.#digest(message)
      default:
        return QUIET
    }
  }

  #snapshot({ epoch, revision, documents }: ServerMessage & { type: 'snapshot' }): Verdict {
    const { cache } = this.replica
    const there = this.#there
    // It is of the state that was announced, or of a later one; anything else was made up on the way.
    if (epoch === there.epoch && revision < there.revision) {
      return { is: 'distrusted', report: { what: 'went-back', have: there.revision, got: revision } }
    }
    const goesBack = epoch === cache.epoch && revision < cache.revision
    if (goesBack && this.#doubts < DOUBTS_MAX) {
      this.#doubts += 1
      return { is: 'distrusted', report: { what: 'went-back', have: cache.revision, got: revision } }
    }
    this.#doubts = 0
    this.#anew = false
    const before = cache.epoch
    const news = { kind: 'snapshot', epoch, revision, documents } as const
    const changed = this.replica.apply(news) ?? []
    this.#there = { epoch, revision }
    const other = before !== '' && before !== epoch
    return { is: 'news', news, changed, ...(other && { report: { what: 'epoch', before, now: epoch } as const }) }
  }

  #commit({ type: _, production: __, epoch, ...commit }: ServerMessage & { type: 'commit' }): Verdict {
    const { cache } = this.replica
    if (cache.epoch === '' || (epoch !== undefined && epoch !== cache.epoch)) {
      return { is: 'astray', anew: true, report: { what: 'epoch', before: cache.epoch, now: epoch ?? '' } }
    }
    const news = { kind: 'commit', commit } as const
    const changed = this.replica.apply(news)
    if (!changed) return { is: 'astray', anew: false, report: { what: 'gap', have: cache.revision, got: commit.revision } }
    return { is: 'news', news, changed }
  }

  #digest({ revision, digest }: ServerMessage & { type: 'digest' }): Verdict {
    const { cache } = this.replica
    if (cache.epoch === '' || revision < cache.revision) return QUIET
    if (revision > cache.revision) {
      return { is: 'astray', anew: false, report: { what: 'gap', have: cache.revision, got: revision } }
    }
    const client = cache.digest()
    if (client === digest) return { is: 'proved' }
    return { is: 'astray', anew: true, report: { what: 'diverged', revision, server: digest, client } }
  }
}

// Notifications (row N1): of turns, actions and status, each kind as a person wants it, shown once over all tabs, and
// kept while there is no connection. A separate entry: it draws nothing and is not needed to be in step.

import type { Client } from '../client.js'
import { Listeners } from '../helpers.js'
import type { Result } from '../options.js'
import type { Changed } from '../replica.js'
import { noticeOf, type Notice, type NoticeKind } from './notice.js'
import { Once } from './once.js'
import { NoticeSettings, type KindSettings, type Shelf } from './settings.js'

export type { Notice, NoticeKind } from './notice.js'
export { DEFAULTS, type KindSettings } from './settings.js'

/** What holds for all notifications of a client. */
export interface NotificationOptions {
  /** Where notifications are written as documents with `kind`, `title`, `text` and `at`. */
  readonly collection?: string
  /** What holds for a kind until a person changes it. */
  readonly kinds?: Readonly<Record<string, Partial<KindSettings>>>
  /** Older ones are not shown any more, those of a long time offline say; milliseconds. */
  readonly ageMax?: number
  /** Plays a sound; by default as a page does. */
  readonly play?: (sound: string) => void
  /** Where settings and what was shown are kept; `localStorage` where there is one. */
  readonly shelf?: Shelf
}

/** Five minutes: what is older is history. */
const AGE_MS_MAX = 300_000

/** The notifications of a client: `new Notifications(client, options)`. */
export class Notifications {
  /** What a person wants of each kind: `get(kind)`, `change(kind, settings)`. */
  readonly settings: NoticeSettings
  readonly #options: NotificationOptions
  readonly #collection: string
  readonly #once: Once
  readonly #open = new Map<string, Notice>()
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #listeners = new Listeners<readonly Notice[]>()
  readonly #ends: (() => void)[] = []
  /** The first state is no news. */
  #begun = false

  constructor(
    private readonly client: Client,
    options: NotificationOptions = {},
  ) {
    this.#options = options
    this.#collection = options.collection ?? 'notifications'
    const scope = client.http.production
    const shelf = options.shelf ?? globalThis.localStorage ?? inMemory()
    this.settings = new NoticeSettings(scope, shelf, options.kinds ?? {})
    this.#once = new Once(scope, shelf)
    this.#begun = client.connection.state === 'connected'
    this.#ends.push(
      client.subscribe({}, (changes) => this.#changed(changes)),
      client.onConnection(({ state }) => {
        // What came with the first state is told to listeners before or behind this; both are one turn.
        if (state === 'connected' && !this.#begun) queueMicrotask(() => (this.#begun = true))
      }),
    )
  }

  /** Tells everybody. Without a connection it waits in the queue, survives a reload, and is told once. */
  push(notice: { readonly kind: NoticeKind; readonly title: string; readonly text?: string }): Promise<Result> {
    const id = `n-${Date.now().toString(36)}-${crypto.randomUUID().slice(0, 8)}`
    return this.client.put(this.#collection, id, { ...notice, at: new Date().toISOString() }, { ifRevision: 0 })
  }

  /** Those that are open in this tab, the oldest first. */
  open(): readonly Notice[] {
    return [...this.#open.values()]
  }

  /** Calls `listener` with those that are open whenever they change. */
  listen(listener: (open: readonly Notice[]) => void): () => void {
    return this.#listeners.listen(listener)
  }

  /** Closes one. */
  close(id: string): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    if (this.#open.delete(id)) this.#listeners.tell(this.open())
  }

  /** Ends it: nothing more is shown, and nothing closes by itself. */
  stop(): void {
    for (const end of this.#ends) end()
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #changed(changes: readonly Changed[]): void {
    if (!this.#begun) return
    for (const change of changes) {
      const notice = noticeOf(change, this.#collection)
      if (notice) void this.#show(notice)
    }
  }

  async #show(notice: Notice): Promise<void> {
    const { enabled, sound, closeAfter } = this.settings.get(notice.kind)
    const age = notice.at === undefined ? 0 : Date.now() - Date.parse(notice.at)
    if (!enabled || age > (this.#options.ageMax ?? AGE_MS_MAX) || !(await this.#once.claim(notice.id))) return
    this.#open.set(notice.id, notice)
    if (sound !== null) (this.#options.play ?? play)(sound)
    if (closeAfter !== null) this.#timers.set(notice.id, setTimeout(() => this.close(notice.id), closeAfter))
    this.#listeners.tell(this.open())
  }
}

/** A browser plays nothing before somebody touched the page; that is no error of ours. */
function play(sound: string): void {
  void new Audio(sound).play().catch(() => undefined)
}

function inMemory(): Shelf {
  const kept = new Map<string, string>()
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) }
}

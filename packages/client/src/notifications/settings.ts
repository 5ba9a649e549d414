// What a person wants of each kind of notification: kept in this browser, the same in all its tabs.

import type { NoticeKind } from './notice.js'

/** How notifications of one kind are shown. */
export interface KindSettings {
  readonly enabled: boolean
  /** The address of a sound, or none. */
  readonly sound: string | null
  /** Milliseconds until it closes by itself; `null`: somebody closes it. */
  readonly closeAfter: number | null
}

/** What holds for a kind of which nothing is said. */
export const DEFAULTS: KindSettings = { enabled: true, sound: null, closeAfter: 8_000 }

/** What settings and the list of what was shown need of `localStorage`. */
export type Shelf = Pick<Storage, 'getItem' | 'setItem'>

export class NoticeSettings {
  readonly #key: string

  constructor(
    scope: string,
    private readonly shelf: Shelf,
    private readonly defaults: Readonly<Record<string, Partial<KindSettings>>>,
  ) {
    this.#key = `onair:notices:${scope}`
  }

  get(kind: NoticeKind): KindSettings {
    return { ...DEFAULTS, ...this.defaults[kind], ...this.#kept()[kind] }
  }

  change(kind: NoticeKind, settings: Partial<KindSettings>): KindSettings {
    const kept = this.#kept()
    this.shelf.setItem(this.#key, JSON.stringify({ ...kept, [kind]: { ...kept[kind], ...settings } }))
    return this.get(kind)
  }

  #kept(): Record<string, Partial<KindSettings>> {
    try {
      return JSON.parse(this.shelf.getItem(this.#key) ?? '{}') as Record<string, Partial<KindSettings>>
    } catch {
      return {}
    }
  }
}

// A notification is shown in one tab: who notes it first shows it; a tab that is seen goes before those that are not.

import type { Shelf } from './settings.js'

/** Notifications that are remembered as shown: more than come while a tab is away. */
const SHOWN_MAX = 500
/** How long a hidden tab waits for one that is seen; milliseconds. */
const HIDDEN_MS = 250

export class Once {
  readonly #key: string

  constructor(
    scope: string,
    private readonly shelf: Shelf,
  ) {
    this.#key = `onair:shown:${scope}`
  }

  /** Whether it is this tab's to show; once `true`, never again for anybody. */
  async claim(id: string): Promise<boolean> {
    if (globalThis.document?.visibilityState === 'hidden') await new Promise((resolve) => setTimeout(resolve, HIDDEN_MS))
    const locks = globalThis.navigator?.locks
    return locks ? ((await locks.request(this.#key, () => this.#note(id))) as boolean) : this.#note(id)
  }

  #note(id: string): boolean {
    let shown: string[] = []
    try {
      shown = JSON.parse(this.shelf.getItem(this.#key) ?? '[]') as string[]
    } catch {
      // Somebody else wrote there; it begins anew.
    }
    if (shown.includes(id)) return false
    this.shelf.setItem(this.#key, JSON.stringify([...shown, id].slice(-SHOWN_MAX)))
    return true
  }
}

// Notifications (row N1): those that are open in this tab. One set for all components that look, while one does.

import type { Client, Result } from '@onair/client'
import { Notifications, type KindSettings, type Notice, type NoticeKind, type NotificationOptions } from '@onair/client/notifications'
import { useCallback, useMemo } from 'react'

import { useOnair } from './provider.js'
import { identity, useSelected, type Store } from './select.js'

/** Notifications, and what can be done with them. */
export interface NotificationsState {
  /** Those that are open, the oldest first. */
  readonly notices: readonly Notice[]
  /** Tells everybody; without a connection it waits. */
  push(notice: { readonly kind: NoticeKind; readonly title: string; readonly text?: string }): Promise<Result>
  /** Closes one in this tab. */
  close(id: string): void
  /** How a kind is shown here: whether, with which sound, for how long. */
  settings(kind: NoticeKind): KindSettings
  change(kind: NoticeKind, settings: Partial<KindSettings>): KindSettings
}

const NONE: readonly Notice[] = []

/** The notifications of a client while somebody looks; they are told to all tabs but shown in one. */
class Shared {
  open = NONE
  #listeners = new Set<() => void>()
  #end: (() => void) | undefined
  #notifications: Notifications | undefined

  constructor(
    private readonly client: Client,
    private readonly options: NotificationOptions | undefined,
  ) {}

  get notifications(): Notifications {
    this.#notifications ??= new Notifications(this.client, this.options)
    return this.#notifications
  }

  subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener()
    this.#listeners.add(own)
    this.#end ??= this.notifications.listen((open) => {
      this.open = open
      for (const one of [...this.#listeners]) one()
    })
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size > 0) return
      this.#end?.()
      this.#end = undefined
      this.#notifications?.stop()
      this.#notifications = undefined
      this.open = NONE
    }
  }
}

const SHARED = new WeakMap<Client, Shared>()

function sharedOf(client: Client, options: NotificationOptions | undefined): Shared {
  const known = SHARED.get(client) ?? new Shared(client, options)
  SHARED.set(client, known)
  return known
}

/** `options` are those of who asks first. */
export function useNotifications(options?: NotificationOptions): NotificationsState {
  const client = useOnair().source?.client
  const shared = useMemo(() => client && sharedOf(client, options), [client])
  const store = useMemo<Store<readonly Notice[]>>(() => ({
    subscribe: (listener) => shared?.subscribe(listener) ?? (() => {}),
    get: () => shared?.open ?? NONE,
    getServer: () => NONE,
  }), [shared])
  const notices = useSelected(store, identity)
  const all = useCallback((): Notifications => {
    if (!shared) throw new Error('there is no client yet')
    return shared.notifications
  }, [shared])
  return useMemo(
    () => ({
      notices,
      push: (notice) => all().push(notice),
      close: (id) => all().close(id),
      settings: (kind) => all().settings.get(kind),
      change: (kind, settings) => all().settings.change(kind, settings),
    }),
    [notices, all],
  )
}

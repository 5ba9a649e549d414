// Who leads: the tab that holds a lock, which the browser passes on when the tab is closed or crashes (row Y5). Where
// there are no locks, a lease in localStorage that its holder renews.

export interface Leader {
  /** Takes the lead from a tab that does not answer. */
  steal(): void
  /** Gives the lead up, or no longer waits for it. */
  release(): void
}

/** How long a lease holds without being renewed, and how often that is done; milliseconds. Another leads within a second. */
const LEASE_MS = 800
const RENEW_MS = 200

export function runForLead(name: string, leads: () => void, lost: () => void): Leader {
  const locks = globalThis.navigator?.locks
  if (locks) return byLock(locks, name, leads, lost)
  try {
    return byLease(globalThis.localStorage, name, leads, lost)
  } catch {
    // Nothing is shared here, so nobody else can lead.
    queueMicrotask(leads)
    return { steal() {}, release() {} }
  }
}

function byLock(locks: LockManager, name: string, leads: () => void, lost: () => void): Leader {
  let end: (() => void) | undefined
  let over = false
  const held = (): Promise<void> => {
    if (over) return Promise.resolve()
    leads()
    return new Promise((resolve) => {
      end = resolve
    })
  }
  const request = (options: LockOptions): void => {
    locks.request(name, options, held).catch(() => {
      // Somebody took it, or this tab no longer waits.
      if (over) return
      if (end) lost()
      end = undefined
      request({})
    })
  }
  const waiting = new AbortController()
  request({ signal: waiting.signal })
  return {
    steal: () => request({ steal: true }),
    release() {
      over = true
      waiting.abort()
      end?.()
    },
  }
}

function byLease(store: Storage, name: string, leads: () => void, lost: () => void): Leader {
  const key = `${name}:lead`
  const me = Math.random().toString(36).slice(2)
  let leading = false
  let claimed = false
  const take = (): void => store.setItem(key, `${me} ${Date.now() + LEASE_MS}`)
  const look = (): void => {
    const [holder, until] = (store.getItem(key) ?? '').split(' ')
    const mine = holder === me
    if (leading && !mine) {
      leading = false
      lost()
    }
    if (mine) {
      take()
      // Two that wrote at once see at the next look whose stands.
      if (claimed && !leading) {
        leading = true
        leads()
      }
      claimed = true
    } else {
      claimed = false
      if (!(Number(until) > Date.now())) take()
    }
  }
  const clock = setInterval(look, RENEW_MS)
  const release = (): void => {
    clearInterval(clock)
    if ((store.getItem(key) ?? '').startsWith(me)) store.removeItem(key)
  }
  globalThis.addEventListener?.('pagehide', release)
  look()
  return { steal: take, release }
}

// How tabs talk: over a BroadcastChannel, or by the events of localStorage where there is none (row Y5).

export interface Channel {
  post(message: unknown): void
  close(): void
}

export function openChannel(name: string, hear: (message: unknown) => void): Channel {
  if (typeof BroadcastChannel === 'function') {
    const channel = new BroadcastChannel(name)
    channel.onmessage = (event: MessageEvent<unknown>) => hear(event.data)
    return { post: (message) => channel.postMessage(message), close: () => channel.close() }
  }
  const key = `${name}:said`
  const heard = ({ key: at, newValue }: StorageEvent): void => {
    if (at === key && newValue !== null) hear((JSON.parse(newValue) as { message: unknown }).message)
  }
  addEventListener('storage', heard)
  return {
    // The same text twice is no event, so each has a number.
    post: (message) => localStorage.setItem(key, JSON.stringify({ message, at: Math.random() })),
    close: () => removeEventListener('storage', heard),
  }
}

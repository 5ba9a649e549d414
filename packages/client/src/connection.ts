// The connection as one value: what a program shows about it, and nothing else to ask.

/** Where a connection is. */
export type ConnectionState = 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'needs-auth' | 'failed'
/** How commits come. */
export type TransportName = 'socket' | 'events' | 'poll'

/** The connection as it is at one moment. */
export interface Connection {
  readonly state: ConnectionState
  /** Why it is not connected, or what is the matter; a code of a problem where there is one. */
  readonly reason: string | null
  /** Milliseconds from when it was said to the next try. */
  readonly retryInMs: number | null
  /** Commits that the server has and this client has not, as far as is known. */
  readonly lag: number
  /** Mutations that are not confirmed. */
  readonly pending: number
  /** When the server was last heard, in milliseconds since 1970. */
  readonly lastUpdate: number | null
  readonly transport: TransportName | null
  /** The server's version, and whether this client was made for it. */
  readonly server: string | null
  readonly role: string | null
}

/** Before anything was tried. */
export const UNCONNECTED: Connection = {
  state: 'connecting',
  reason: null,
  retryInMs: null,
  lag: 0,
  pending: 0,
  lastUpdate: null,
  transport: null,
  server: null,
  role: null,
}

/** The version of this client, which is that of the server it was made for. */
export const VERSION = '0.1.0'

/** Whether both speak alike: the same major version, and below 1 the same minor one. */
export function speaksAlike(server: string, client: string = VERSION): boolean {
  const [major, minor] = server.split('.')
  const [ours, less] = client.split('.')
  return major === ours && (ours !== '0' || minor === less)
}

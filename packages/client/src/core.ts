// The core entry: a session as a function (messages in, messages and the cache out), for programs that bring their own
// transport and storage, and the wire by itself: cache, merge, patch, digest.

export { Session } from './session/session.js'
export type { Options } from './session/options.js'
export type { Effect, Input, Report, Timer, Told } from './session/effect.js'
export { Replica, type Changed, type ChangeKind, type Document, type News } from './replica.js'
export { Cache, type Applied } from './cache.js'
export { Queue, type Settled } from './queue.js'
export { rebased, type Edit, type Pending } from './pending.js'
export { UNCONNECTED, VERSION, type Connection, type ConnectionState, type TransportName } from './connection.js'
export { errorOf, OnairError } from './errors.js'
export { merge, type Clash, type Merged, type Strategies, type Strategy } from './merge.js'
export { patched } from './patch.js'
export { canonical, equal } from './json/value.js'
export type * from './types.js'

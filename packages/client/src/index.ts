// The client: one production kept in step, edited and watched; errors as classes.

export { connect, Client } from './client.js'
export type { ClientOptions, EditOptions, Result } from './options.js'
export { VERSION } from './connection.js'
export { Actions, type ActParams, type StartParams } from './actions.js'
export type { Connection, ConnectionState, TransportName } from './connection.js'
export {
  OnairError, NetworkError, TimeoutError, ConflictError, ValidationError, PermissionError, ServerError,
  type Kind, type LocalCode,
} from './errors.js'
export type { Listener, Of } from './helpers.js'
export type { Edit, Pending } from './pending.js'
export type { Changed, ChangeKind, Document } from './replica.js'
export type { Report } from './session/effect.js'
export type { Storage } from './storage/storage.js'
export type * from './types.js'

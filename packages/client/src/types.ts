// The types of what is stored and sent, as Rust has them (`types.generated.ts`, by `cargo xtask types`), under the names
// that programs use, and what is TypeScript's own: types that are wider than what this version of the server says.

import type * as wire from './types.generated.js'

export type {
  ActionName, AgentMessage, AgentServerMessage, Can, Cause, CauseKind, Change, ClientMessage, Code, Commit, Conflict, Detail,
  Entry, Finding, Json, JsonObject, Lifecycle, Limits, Mutation, Outcome, Phase, Plan, Planned, Receipt, Sequence, Service,
  Settings, Step, StreamFigures, Transition, Trouble, Validity,
} from './types.generated.js'

/** What the server says. */
export type ServerMessage = wire.ServerMessage | wire.CommitMessage

/** All documents, by collection and id. */
export type Documents = Extract<ServerMessage, { type: 'snapshot' }>['documents']

/** Where a production is by an action. */
export type Moved = Pick<Extract<ServerMessage, { type: 'result'; phase: unknown }>, 'sequence' | 'phase' | 'revision'>

/** A refusal or failure (RFC 9457), the server's or this client's own; a newer server may say other codes. */
export interface Problem extends Pick<wire.MessageProblem, 'status' | 'title' | 'detail' | 'errors'> {
  readonly code: string
  readonly [more: string]: unknown
}

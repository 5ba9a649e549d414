// What is stored and sent, as `crates/wire` says it. Written by hand for now, in this one file, to be generated later.

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json }

/** A document as a snapshot carries it. */
export interface Entry {
  /** The revision of the commit that last changed it. */
  readonly revision: number
  readonly value: Json
}

/** All documents, by collection and id. */
export type Documents = { readonly [collection: string]: { readonly [id: string]: Entry } }

/** One change to one document. */
export type Change = { readonly collection: string; readonly id: string; readonly revision: number } & (
  | { readonly op: 'put' | 'restore'; readonly value: Json }
  | { readonly op: 'patch'; readonly patch: Json }
  | { readonly op: 'delete' }
)

/** Why a commit was made: a kind, and its details beside it. */
export type Cause = { readonly kind: string; readonly [detail: string]: Json }

/** One step of a production: the changes that became true together. */
export interface Commit {
  readonly revision: number
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string
  /** `role:name`. */
  readonly actor: string
  readonly mutation?: string
  readonly fingerprint?: string
  readonly cause: Cause
  readonly changes: readonly Change[]
}

/** One wish to change one document. */
export type Mutation = {
  readonly collection: string
  readonly document: string
  /** The production's revision at which the document was seen: a late edit is merged. */
  readonly base?: number
  /** The document's revision without which nothing is done; 0: there must be none. */
  readonly ifRevision?: number
} & (
  | { readonly op: 'put'; readonly value: Json }
  | { readonly op: 'patch'; readonly patch: Json }
  | { readonly op: 'delete' }
  | { readonly op: 'restore'; readonly revision?: number }
)

/** How an edit came out. */
export type Outcome = 'applied' | 'merged' | 'conflict'

/** What a mutation came to. */
export interface Receipt {
  readonly revision: number
  readonly outcome: Outcome
  /** The conflicts it opened, or resolved by itself. */
  readonly conflicts?: readonly string[]
}

/** The codes of problems; a newer server may say others. */
export type Code =
  | 'bad-json' | 'bad-request' | 'invalid' | 'unauthenticated' | 'forbidden' | 'not-found' | 'method-not-allowed'
  | 'not-acceptable' | 'request-timeout' | 'gone' | 'compacted' | 'not-allowed' | 'already-exists'
  | 'mutation-id-reused' | 'origin-refused' | 'revision-mismatch' | 'too-large' | 'unsupported-media-type'
  | 'too-many-requests' | 'step-failed' | 'engine-unavailable' | 'read-only' | 'closing' | 'step-timeout' | 'internal'

/** A refusal or failure (RFC 9457); in a message the page stands under `see`. */
export interface Problem {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
  readonly [more: string]: unknown
}

/** The actions of the lifecycle. */
export type ActionName = 'initialize' | 'start' | 'stop' | 'pause' | 'resume' | 'emergency-stop' | 'recover'
/** The phases of the lifecycle. */
export type Phase = 'idle' | 'initializing' | 'ready' | 'starting' | 'live' | 'stopping' | 'error'

/** `_system/lifecycle`. */
export interface Lifecycle {
  readonly phase: Phase
  readonly paused: boolean
  readonly since: string
  readonly sessionId: string | null
  readonly sequence: string | null
  readonly error: JsonObject | null
}

/** Whether an action is allowed now, and if not, why. */
export interface Can {
  readonly allowed: boolean
  readonly reason?: string
  readonly missingDependencies?: readonly string[]
}

/** Whether a phase can be reached from here, and if not, why. */
export interface Validity {
  readonly valid: boolean
  readonly reason?: string
  readonly missingDependencies: readonly string[]
}

/** What an action would do. */
export interface Plan {
  readonly allowed: boolean
  readonly reason?: string
  readonly steps: readonly { readonly name: string; readonly deadline: number; readonly compensation: string | null }[]
  readonly missingDependencies: readonly string[]
  readonly irreversible: readonly string[]
}

/** Where a production is by an action. */
export interface Moved {
  readonly sequence: string | null
  readonly phase: Phase
  readonly revision: number
}

/** `_system/settings` (row L11). */
export interface Settings {
  readonly initializationTimeout: number
  readonly startupTimeout: number
  readonly shutdownTimeout: number
  readonly maxRetries: number
  readonly retryDelay: number
  readonly backoffMultiplier: number
  readonly autoRecovery: boolean
  readonly backendSync: boolean
  readonly stateValidation: boolean
  readonly verbose: boolean
  readonly [more: string]: Json
}

/** `_conflicts/{id}` (row K2). */
export interface Conflict {
  readonly id: string
  readonly collection: string
  readonly document: string
  readonly path: string
  readonly base: Json
  readonly local: Json
  readonly server: Json
  readonly status: 'open' | 'resolved'
  readonly resolution: 'auto' | 'manual' | 'local' | 'server' | 'merge' | null
  readonly openedAt: string
  readonly resolvedAt: string | null
  readonly [more: string]: Json
}

/** `_findings/{code}`. */
export interface Finding {
  readonly code: string
  readonly category: string
  readonly severity: 'info' | 'warning' | 'error'
  readonly message: string
  readonly fix: string
  readonly firstSeen: string
  readonly lastSeen: string
  readonly clearedAt: string | null
  readonly count: number
}

/** The figures of a stream that change fast (row T1). */
export interface StreamFigures {
  readonly fps?: number
  readonly targetFPS?: number
  readonly frameCount?: number
  readonly droppedFrames?: number
  readonly averageRenderTime?: number
}

/** The limits of a connection. */
export interface Limits {
  readonly messageBytes: number
  readonly subscriptions: number
  readonly pendingMutations: number
  readonly batch: number
}

/** What a client says. */
export type ClientMessage =
  | { readonly type: 'hello'; readonly token?: string; readonly client?: { readonly name: string; readonly version: string } }
  | {
      readonly type: 'subscribe'
      readonly production: string
      readonly after?: string
      readonly collections?: readonly string[]
      readonly digest?: string
    }
  | { readonly type: 'unsubscribe'; readonly production: string }
  | { readonly type: 'mutate'; readonly id: string; readonly production: string; readonly mutations: readonly Mutation[] }
  | {
      readonly type: 'action'
      readonly id: string
      readonly production: string
      readonly action: ActionName
      readonly params?: JsonObject
    }
  | { readonly type: 'signal'; readonly production: string; readonly stream: StreamFigures }
  | { readonly type: 'ping' }

/** What the server says. */
export type ServerMessage =
  | {
      readonly type: 'welcome'
      readonly session: string
      readonly heartbeat: number
      readonly role: string
      readonly server: string
      readonly limits: Limits
    }
  | { readonly type: 'subscribed'; readonly production: string; readonly epoch: string; readonly revision: number }
  | {
      readonly type: 'snapshot'
      readonly production: string
      readonly epoch: string
      readonly revision: number
      readonly documents: Documents
    }
  | ({ readonly type: 'commit'; readonly production: string; readonly epoch?: string } & Commit)
  | { readonly type: 'signal'; readonly production: string; readonly stream: StreamFigures }
  | { readonly type: 'presence'; readonly production: string; readonly clients: number }
  | { readonly type: 'digest'; readonly production: string; readonly revision: number; readonly digest: string }
  | ({ readonly type: 'result'; readonly id: string } & (Receipt | (Receipt & Moved) | { readonly revision: number; readonly plan: Plan }))
  | ({ readonly type: 'problem'; readonly id?: string; readonly production?: string } & Problem)
  | { readonly type: 'pong' }

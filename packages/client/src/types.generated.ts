// Made from the Rust types by `cargo xtask types`; what is written here by hand is lost, and a test fails.

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json }

/** A document as a snapshot carries it. */
export type Entry = {
  /** The revision of the commit that last changed it. */
  readonly revision: number
  /** What it says. */
  readonly value: Json
}

/** One change to one document. */
export type Change = {
  readonly collection: string
  readonly id: string
  /** The commit's revision: the document's new one. */
  readonly revision: number
} & (
  | {
    readonly op: 'put'
    /** What it says. */
    readonly value: Json
  }
  | {
    readonly op: 'patch'
    /** The patch (RFC 7396). */
    readonly patch: Json
  }
  | { readonly op: 'delete' }
  | {
    readonly op: 'restore'
    /** What it says. */
    readonly value: Json
  }
)

/** The kinds of causes. */
export type CauseKind =
  | 'manifest.changed'
  | 'lifecycle.moved'
  | 'sequence.step'
  | 'service.changed'
  | 'document.put'
  | 'document.patched'
  | 'document.deleted'
  | 'document.restored'
  | 'conflict.opened'
  | 'conflict.resolved'
  | 'finding.opened'
  | 'finding.changed'
  | 'finding.cleared'
  | 'settings.changed'
  | 'backend.changed'
  | 'stream.sampled'
  | 'batch'

/** Why a commit was made: a kind, and its details beside it. */
export type Cause = {
  /** The kind. */
  readonly kind: CauseKind
  readonly [name: string]: Json
}

/** One step of a production: the changes that became true together. */
export type Commit = {
  /** The next revision of the production. */
  readonly revision: number
  /** When it was decided; never before the commit in front of it. */
  readonly at: string
  /** Who caused it (row X3). */
  readonly actor: string
  /** What the client called the mutation, if it did. */
  readonly mutation?: string
  /** A hash of what the mutation asked, kept so that the same id with other content is told from a retry (row D6). */
  readonly fingerprint?: string
  /** Why. */
  readonly cause: Cause
  /** What, in order; never two for one document. */
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
  | {
    readonly op: 'put'
    /** What it is to say. */
    readonly value: Json
  }
  | {
    readonly op: 'patch'
    /** The patch (RFC 7396). */
    readonly patch: Json
  }
  | { readonly op: 'delete' }
  | {
    readonly op: 'restore'
    /** Of the production. */
    readonly revision?: number
  }
)

/** How an edit came out. */
export type Outcome = 'applied' | 'merged' | 'conflict'

/** What a mutation came to. */
export type Receipt = {
  /** The commit that carries it. */
  readonly revision: number
  /** How it came out. */
  readonly outcome: Outcome
  /** The conflicts it opened, or resolved by itself. */
  readonly conflicts?: readonly string[]
  /** The sequence that carries an action out. */
  readonly sequence?: string
}

/** What went wrong, as a word that stays. */
export type Code =
  | 'bad-json'
  | 'bad-request'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'request-timeout'
  | 'gone'
  | 'compacted'
  | 'not-allowed'
  | 'already-exists'
  | 'mutation-id-reused'
  | 'origin-refused'
  | 'revision-mismatch'
  | 'too-large'
  | 'unsupported-media-type'
  | 'too-many-requests'
  | 'step-failed'
  | 'engine-unavailable'
  | 'read-only'
  | 'closing'
  | 'step-timeout'
  | 'internal'

/** One place and what is wrong there. */
export type Detail = {
  /** A JSON pointer into the body (RFC 6901), or the name of a header or parameter. */
  readonly pointer: string
  /** What is wrong. */
  readonly detail: string
}

/** A problem inside a message, where `type` is the message's own; the page of the code is under `see`. */
export type MessageProblem = {
  readonly see: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: Code
  readonly errors?: readonly Detail[]
  readonly [name: string]: Json | undefined
}

/** The figures of a stream that change fast (row T1); what is left out stays as it was. */
export type StreamFigures = {
  /** Frames per second. */
  readonly fps?: number
  /** Frames per second wanted. */
  readonly targetFPS?: number
  /** Frames since the start. */
  readonly frameCount?: number
  /** Frames that were not shown. */
  readonly droppedFrames?: number
  /** Milliseconds. */
  readonly averageRenderTime?: number
}

/** `hello`. */
export type Hello = {
  /** Who it is; browsers cannot send a header. */
  readonly token?: string
  /** What it is: a name, or an object with `name` and `version`; shown among the clients. */
  readonly client?: Json
}

/** `subscribe`. */
export type Subscribe = {
  /** To what. */
  readonly production: string
  /** What it has already; nothing means a snapshot. */
  readonly after?: string
  /** Only these; nothing means all. */
  readonly collections?: readonly string[]
  /**
   * What its cache comes to at `after`. When the server's state of that revision comes to something else, the client
   * went astray: it is counted, and given a snapshot (row Y6).
   */
  readonly digest?: string
}

/** `unsubscribe`. */
export type Unsubscribe = {
  /** From what. */
  readonly production: string
}

/** `mutate`: all or nothing. */
export type Mutate = {
  /** What the answer is called, and the mutation remembered by. */
  readonly id: string
  /** Where. */
  readonly production: string
  /** What. */
  readonly mutations: readonly Mutation[]
}

/** `action`. */
export type Action = {
  /** What the answer is called. */
  readonly id: string
  /** Where. */
  readonly production: string
  /** What. */
  readonly action: ActionName
  /** How. */
  readonly params?: Json
}

/** `signal`. */
export type Signal = {
  /** Of what. */
  readonly production: string
  /** The figures. */
  readonly stream: StreamFigures
}

/** What a client says. */
export type ClientMessage =
  | { readonly type: 'hello' } & Hello
  | { readonly type: 'subscribe' } & Subscribe
  | { readonly type: 'unsubscribe' } & Unsubscribe
  | { readonly type: 'mutate' } & Mutate
  | { readonly type: 'action' } & Action
  | { readonly type: 'signal' } & Signal
  | { readonly type: 'ping' }

/** The limits of a connection. */
export type Limits = {
  /** Bytes of a message from the client. */
  readonly messageBytes: number
  /** Productions subscribed to at once. */
  readonly subscriptions: number
  /** Mutations sent and not yet answered; more wait unread. */
  readonly pendingMutations: number
  /** Mutations in one `mutate`. */
  readonly batch: number
}

/** `welcome`: who the client is here, and the limits it meets. */
export type Welcome = {
  /** A name for this connection, shown among the clients. */
  readonly session: string
  /** Milliseconds between two signs of life that the server gives and expects. */
  readonly heartbeat: number
  /** The role it has. */
  readonly role: string
  /** The server's version. */
  readonly server: string
  /** Where the productions are that it is likely to ask for, as positions by name. */
  readonly positions: { readonly [name: string]: string }
  /** What it may do at most. */
  readonly limits: Limits
}

/** `commit`: the bytes of the log behind a head. */
export type CommitMessage = {
  readonly type: 'commit'
  readonly production: string
  /** Over a socket always; an event stream says it in the event's id. */
  readonly epoch?: string
  /** The next revision of the production. */
  readonly revision: number
  /** When it was decided; never before the commit in front of it. */
  readonly at: string
  /** Who caused it (row X3). */
  readonly actor: string
  /** What the client called the mutation, if it did. */
  readonly mutation?: string
  /** A hash of what the mutation asked, kept so that the same id with other content is told from a retry (row D6). */
  readonly fingerprint?: string
  /** Why. */
  readonly cause: Cause
  /** What, in order; never two for one document. */
  readonly changes: readonly Change[]
}

/** What the server says. `commit` is not here: it is the bytes of the log with a head of its own. */
export type ServerMessage =
  | { readonly type: 'welcome' } & Welcome
  | {
    readonly type: 'subscribed'
    /** To what. */
    readonly production: string
    /** Which log. */
    readonly epoch: string
    /** How far it is. */
    readonly revision: number
  }
  | {
    readonly type: 'snapshot'
    /** Of what. */
    readonly production: string
    /** Which log. */
    readonly epoch: string
    /** Everything up to this. */
    readonly revision: number
    /** The documents, those of the server included. */
    readonly documents: { readonly [name: string]: { readonly [name: string]: Entry } }
  }
  | {
    readonly type: 'signal'
    /** Of what. */
    readonly production: string
    /** The figures that are known. */
    readonly stream: StreamFigures
  }
  | {
    readonly type: 'presence'
    /** What. */
    readonly production: string
    /** Subscribers over all transports. */
    readonly clients: number
  }
  | {
    readonly type: 'digest'
    /** Of what. */
    readonly production: string
    /** At which revision. */
    readonly revision: number
    /** The digest of the collections subscribed to. */
    readonly digest: string
  }
  | {
    readonly type: 'result'
    /** What the client called it. */
    readonly id: string
    /** The commit that carries it. */
    readonly revision: number
    /** How it came out. */
    readonly outcome: Outcome
    /** The conflicts it opened, or resolved by itself. */
    readonly conflicts?: readonly string[]
    /** The sequence that carries an action out. */
    readonly sequence?: string
  }
  | {
    readonly type: 'result'
    /** What the client called it. */
    readonly id: string
    /** Where the production is by then. */
    readonly revision: number
    /** Always `applied`: what comes out otherwise is a problem. */
    readonly outcome: Outcome
    /** The sequence that carries it out; a flag needs none. */
    readonly sequence: string | null
    /** The phase by then. */
    readonly phase: Phase
  }
  | {
    readonly type: 'result'
    /** What the client called it. */
    readonly id: string
    /** The revision that was looked at. */
    readonly revision: number
    /** What would be done. */
    readonly plan: Plan
  }
  | {
    readonly type: 'problem'
    /** What the client called it, if it did. */
    readonly id?: string
    readonly see: string
    readonly title: string
    readonly status: number
    readonly detail: string
    readonly code: Code
    readonly errors?: readonly Detail[]
    readonly [name: string]: Json | undefined
  }
  | { readonly type: 'pong' }

/** What a service can be asked to do (row S3). */
export type TaskAction = 'initialize' | 'start' | 'stop' | 'health'

/** `register`. */
export type Register = {
  /** Of which production. */
  readonly production: string
  /** For which of its services. */
  readonly service: string
  /** Who it is; browsers cannot send a header. */
  readonly token?: string
  /** Which instance of the service it is: whoever comes back with the same has kept its state. */
  readonly instance?: string
  /** What it is: a name, or an object with `name` and `version`; shown among the clients. */
  readonly client?: Json
}

/** `done`. */
export type Done = {
  /** Which task. */
  readonly id: string
  /** What came of it. */
  readonly result?: Json
}

/** `failed`. */
export type Failed = {
  /** Which task. */
  readonly id: string
  /** What happened, for people. */
  readonly error: string
  /** Whether another attempt may work. */
  readonly retryable?: boolean
}

/** `status`. */
export type AgentStatus = {
  /** Whether it is well. */
  readonly healthy: boolean
  /** What it says about itself. */
  readonly details?: Json
}

/** What an agent says. */
export type AgentMessage =
  | { readonly type: 'register' } & Register
  | { readonly type: 'done' } & Done
  | { readonly type: 'failed' } & Failed
  | { readonly type: 'status' } & AgentStatus
  | { readonly type: 'ping' }

/** `registered`: who the agent is here. */
export type Registered = {
  /** Of which production. */
  readonly production: string
  /** For which of its services. */
  readonly service: string
  /** A name for this connection. */
  readonly session: string
  /** Whether it is given the tasks; if not, it stands by. */
  readonly active: boolean
  /** Milliseconds between two signs of life that the server asks for. */
  readonly heartbeat: number
}

/** `task`: something to be done. */
export type Task = {
  /** What the answer is to name. */
  readonly id: string
  /** What is to be done. */
  readonly action: TaskAction
  /** The same for each attempt: what was done under it already is not done again. */
  readonly key: string
  /** When nobody waits for the answer any more. */
  readonly deadline: string
  /** With what: an object. */
  readonly params: Json
  /** Which attempt, from 1. */
  readonly attempt: number
}

/** What the server says to an agent. */
export type AgentServerMessage =
  | { readonly type: 'registered' } & Registered
  | { readonly type: 'task' } & Task
  | {
    readonly type: 'cancel'
    /** Which task. */
    readonly id: string
  }
  | { readonly type: 'active' }
  | { readonly type: 'standby' }
  | {
    readonly type: 'problem'
    /** The task it is about, if it is about one. */
    readonly id?: string
    readonly see: string
    readonly title: string
    readonly status: number
    readonly detail: string
    readonly code: Code
    readonly errors?: readonly Detail[]
    readonly [name: string]: Json | undefined
  }
  | { readonly type: 'pong' }

/** The actions, by name. */
export type ActionName = 'initialize' | 'start' | 'stop' | 'pause' | 'resume' | 'emergency-stop' | 'recover'

/** Where a production is in its life. */
export type Phase = 'idle' | 'initializing' | 'ready' | 'starting' | 'live' | 'stopping' | 'error'

/** Why the phase moved (row L10). */
export type Reason = 'system_init' | 'dependency_ready' | 'user_action' | 'error' | 'recovery' | 'forced'

/** What went wrong: of a sequence, and of the lifecycle while the phase is `error`. */
export type Trouble = {
  /** `step-failed`, `step-timeout`, `dependency-lost`, `cancelled` or `pre-empted`. */
  readonly code: string
  /** What happened, for people. */
  readonly message: string
  /** The step that failed. */
  readonly step?: string
  /** The service that it was about. */
  readonly service?: string
  /** When. */
  readonly at: string
  /** What should be off and may be on, by the steps that would turn it off: `recover` pays it. */
  readonly owed?: readonly string[]
}

/** How far recovering by itself has come (row L8). */
export type Recovery = {
  /** How often it was tried since the production was last ready. */
  readonly attempts: number
  /** When it is tried next. */
  readonly nextAt: string | null
  /** Whether it was tried as often as the settings allow, so that somebody must act. */
  readonly gaveUp: boolean
}

/** The document `_system/lifecycle`. */
export type Lifecycle = {
  /** Where it is. */
  readonly phase: Phase
  /** A flag of `live` (row L2). */
  readonly paused: boolean
  /** Since when. */
  readonly since: string
  /** The session on air, or about to be. */
  readonly sessionId: string | null
  /** The sequence under way, if any: never more than one. */
  readonly sequence: string | null
  /** Why the phase is `error`, if it is. */
  readonly error: Trouble | null
  /** Of which kind the session is, if it was said. */
  readonly sessionKind?: string
  /** Since when the show is live. */
  readonly liveSince?: string
  /** That the phase does not rest here: it goes on towards `ready` by itself, and for this reason. */
  readonly onward?: Reason
  /** Recovering by itself, while that is under way or was given up. */
  readonly recovery?: Recovery
}

/** That somebody started a show in spite of findings. */
export type BreakGlass = {
  /** Why. */
  readonly reason: string
  /** What stood then, by the codes. */
  readonly findings: readonly string[]
}

/** The document `_transitions/{revision}` (row L10). */
export type Transition = {
  /** From where. */
  readonly from: Phase
  /** To where. */
  readonly to: Phase
  /** Why. */
  readonly reason: Reason
  /** Who. */
  readonly actor: string
  /** When. */
  readonly at: string
  /** How long the phase had lasted. */
  readonly lasted: number
  /** The sequence that it belongs to. */
  readonly sequence?: string
  /** Of a start in spite of findings. */
  readonly breakGlass?: BreakGlass
}

/** How far a service is. */
export type ServiceStatus = 'down' | 'initializing' | 'ready' | 'starting' | 'active' | 'stopping' | 'failed'

/** The document `_services/{name}`. */
export type Service = {
  /** How far it is. */
  readonly status: ServiceStatus
  /** Whether a show needs it. */
  readonly required: boolean
  /** The type of its adapter. */
  readonly adapter: string
  /** Whether it is there and says that it is well. */
  readonly healthy: boolean
  /** When something was last heard of it, as of this commit. */
  readonly lastSeen: string | null
  /** What is wrong with it. */
  readonly error: string | null
  /** Since when it is away or unwell. */
  readonly awaySince?: string
  /** Which instance of it is there: a connection of an agent, a process. */
  readonly instance?: string
  /** That this instance came after the one that was made ready, so that what is wanted must be asked of it again. */
  readonly stale?: boolean
  /** That it should be off and may be on: turning it off is owed. */
  readonly uncertain?: boolean
  /** What it says about itself. */
  readonly details?: Json
}

/** What a sequence is for. */
export type SequenceKind = 'initialize' | 'start' | 'stop' | 'emergency-stop' | 'recover' | 'rollback'

/** How a sequence is. */
export type SequenceStatus = 'running' | 'done' | 'failed' | 'rolledBack'

/** How a step is. */
export type StepStatus = 'pending' | 'running' | 'done' | 'failed' | 'undone' | 'skipped'

/** One step of a sequence. */
export type Step = {
  /** `service.action`, or `TELL`. */
  readonly name: string
  /** How it is. */
  readonly status: StepStatus
  /** How often it was asked for. */
  readonly attempts: number
  /** Makes asking again harmless: one key for as long as the step lives. */
  readonly key: string
  /** When it was first asked for. */
  readonly startedAt: string | null
  /** When it ended. */
  readonly endedAt: string | null
  /** What was wrong the last time. */
  readonly error: string | null
  /** Who is asked; nobody for `TELL`. */
  readonly service?: string
  /** For what. */
  readonly action?: TaskAction
  /** The steps that end before this one begins. */
  readonly after?: readonly string[]
  /** The step that undoes it. */
  readonly compensation?: string
  /** How long it may take: an attempt of `initialize`, all attempts of the others. */
  readonly timeout: number
  /** When it has to be done, since it was asked for. */
  readonly deadline?: string
  /** When it is asked for again. */
  readonly retryAt?: string
  /** Whether the sequence goes on without it. */
  readonly optional?: boolean
  /** Whether there is no time for a graceful end. */
  readonly force?: boolean
  /** Of a failed step: whether it may have happened all the same. */
  readonly unknown?: boolean
}

/** The document `_sequences/{id}`. */
export type Sequence = {
  /** Its name: its kind and the revision that it began with. */
  readonly id: string
  /** What it is for. */
  readonly kind: SequenceKind
  /** How it is. */
  readonly status: SequenceStatus
  /** Who wanted it. */
  readonly startedBy: string
  /** When it began. */
  readonly startedAt: string
  /** When it ended. */
  readonly endedAt: string | null
  /** Why it failed. */
  readonly error: Trouble | null
  /** What it does, in an order that `Step::after` says. */
  readonly steps: readonly Step[]
  /** When all of it has to be done. */
  readonly deadline?: string
  /** What each call is given. */
  readonly params?: Json
  /** Of a rollback: what it undoes. */
  readonly of?: string
  /** Of a start: what undoes it. */
  readonly rollback?: string
  /** Of a recovery of one service: which. */
  readonly service?: string
  /** Who did not want it any more. */
  readonly cancelledBy?: string
  /** When a server went on with it that had found it open (row L12). */
  readonly resumedAt?: string
  /** What it should have undone or turned off and could not. */
  readonly owed?: readonly string[]
}

/** Whether something is allowed. */
export type Can = {
  /** Whether it is. */
  readonly allowed: boolean
  /** Why not. */
  readonly reason?: string
  /** What is missing: names of services and collections. */
  readonly missingDependencies?: readonly string[]
  /** The sequence that is under way: for the same, and would be joined; or in the way. */
  readonly sequence?: string
  /** The findings that are in the way, by their codes. */
  readonly findings?: readonly string[]
}

/** Whether a phase can be reached (row L9). */
export type Validity = {
  /** Whether it can. */
  readonly valid: boolean
  /** Why not. */
  readonly reason: string | null
  /** What is missing. */
  readonly missingDependencies: readonly string[]
  /** The findings that are in the way, by their codes. */
  readonly findings?: readonly string[]
}

/** A step of a plan. */
export type Planned = {
  /** Its name. */
  readonly name: string
  /** How long it may take. */
  readonly deadline: number
  /** The step that would undo it. */
  readonly compensation: string | null
  /** The steps that end before it begins. */
  readonly after: readonly string[]
  /** Whether the sequence goes on without it. */
  readonly optional: boolean
  /** Whether there is nothing to do in it: nobody is to be told. */
  readonly skipped: boolean
}

/** What a plan looks like from outside. */
export type Plan = {
  /** Whether it could be carried out now. */
  readonly allowed: boolean
  /** Why not. */
  readonly reason?: string
  /** What would be done. */
  readonly steps: readonly Planned[]
  /** What is missing. */
  readonly missingDependencies: readonly string[]
  /** The findings that are in the way, by their codes. */
  readonly findings?: readonly string[]
  /** The steps that could not be undone. */
  readonly irreversible: readonly string[]
}

/** The document `_system/settings`. Durations are milliseconds. */
export type Settings = {
  /** How long `initialize` may take, per attempt. */
  readonly initializationTimeout: number
  /** How long `start` may take, all steps together. */
  readonly startupTimeout: number
  /** How long a step may take that turns something off, all attempts together. */
  readonly shutdownTimeout: number
  /** How long a service that is needed may be away or unwell before the show is not whole any more (row S3). */
  readonly healthTimeout: number
  /** How often something is tried again. */
  readonly maxRetries: number
  /** How long before the first retry. */
  readonly retryDelay: number
  /** By how much each further delay is longer, 1 to 10. */
  readonly backoffMultiplier: number
  /** Whether `recover` initializes again, and failures recover by themselves. */
  readonly autoRecovery: boolean
  /** Whether backends are told. */
  readonly backendSync: boolean
  /** Whether the validation agent runs. */
  readonly stateValidation: boolean
  /** Whether more is logged. */
  readonly verbose: boolean
}

/** The two sides of a conflict. */
export type Side = 'local' | 'server'

/** Whether somebody is to choose. */
export type ConflictStatus = 'open' | 'resolved'

/** How a conflict was resolved. */
export type Resolved = 'auto' | 'local' | 'server' | 'merge'

/** Values that two people gave the same field, and what became of them. */
export type Conflict = {
  /** Its name: the revision that it began with, and a number. */
  readonly id: string
  /** Where the document is. */
  readonly collection: string
  /** Which document. */
  readonly document: string
  /** Which field of it: a JSON pointer, empty for the whole. */
  readonly path: string
  /** What both started from; null as well when there was nothing. */
  readonly base: Json
  /** What the late edit made of it; null as well when it took it away. */
  readonly local: Json
  /** What the server has; null as well when it was taken away there. */
  readonly server: Json
  /** Who took it away, if somebody did. */
  readonly deleted: Side | null
  /** Whether somebody is to choose. */
  readonly status: ConflictStatus
  /** How it was resolved. */
  readonly resolution: Resolved | null
  /** The strategy that did, if one did. */
  readonly strategy: string | null
  /** Who made the late edit. */
  readonly localActor: string
  /** Whose value the server has, if it has one. */
  readonly serverActor: string | null
  /** When the late edit came. */
  readonly openedAt: string
  /** When it was resolved. */
  readonly resolvedAt: string | null
  /** Who resolved it. */
  readonly resolvedBy: string | null
}

/** The kinds of rules. */
export type Category = 'stateMachine' | 'dependency' | 'synchronization' | 'performance' | 'configuration' | 'integrity'

/** How bad it is, the least first. */
export type Severity = 'info' | 'warning' | 'error'

/** The document `_findings/{code}`. */
export type Finding = {
  /** The rule. */
  readonly code: string
  /** Of which kind the rule is. */
  readonly category: Category
  /** How bad it is. */
  readonly severity: Severity
  /** What is wrong, with the values, as of `lastSeen`. */
  readonly message: string
  /** How to mend it. */
  readonly fix: string
  /** When it was first seen. */
  readonly firstSeen: string
  /** When it was last seen. */
  readonly lastSeen: string
  /** When it was not seen any more; `null` while it stands. */
  readonly clearedAt: string | null
  /** How often it was seen. */
  readonly count: number
  /** What it is about: services, backends, documents; at most `SUBJECTS_MAX`. */
  readonly subjects: readonly string[]
}

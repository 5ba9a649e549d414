// Errors as classes: six kinds, the contract's codes, and whether it is worth trying again (row E1).

import { isObject } from './json/value.js'
import type { Code, Json, Problem } from './types.js'

/** What kind of failure a code is, and so which class carries it. */
export type Kind = 'network' | 'timeout' | 'conflict' | 'validation' | 'permission' | 'server'

/** Codes of this side, beside those of the contract. */
export type LocalCode = 'offline' | 'unanswered' | 'queue-full' | 'storage' | 'cleared' | 'closed'

/** Kind by code; `!` in front: worth trying again as it is. A code that is not here is the server's, and not retried. */
const KINDS: Readonly<Record<Code | LocalCode, Kind | `!${Kind}`>> = {
  offline: '!network',
  closed: 'network',
  unanswered: '!timeout',
  'request-timeout': '!timeout',
  'step-timeout': 'timeout',
  gone: 'conflict',
  compacted: 'conflict',
  'not-allowed': 'conflict',
  'already-exists': 'conflict',
  'revision-mismatch': 'conflict',
  'mutation-id-reused': 'conflict',
  cleared: 'conflict',
  'bad-json': 'validation',
  'bad-request': 'validation',
  invalid: 'validation',
  'not-found': 'validation',
  'method-not-allowed': 'validation',
  'not-acceptable': 'validation',
  'too-large': 'validation',
  'unsupported-media-type': 'validation',
  unauthenticated: 'permission',
  forbidden: 'permission',
  'origin-refused': 'permission',
  'queue-full': '!server',
  storage: 'server',
  'too-many-requests': '!server',
  'step-failed': 'server',
  'engine-unavailable': '!server',
  'read-only': '!server',
  closing: '!server',
  internal: 'server',
}

/** A refusal or failure. */
export class OnairError extends Error {
  readonly code: string
  readonly status: number
  readonly kind: Kind
  /** Whether the same thing, asked again later, may go well. */
  readonly retryable: boolean
  /** Everything that was said: `errors` with places, `current` of `revision-mismatch`, `missingDependencies`. */
  readonly problem: Problem

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`)
    this.name = new.target.name
    this.problem = problem
    this.code = problem.code
    this.status = problem.status
    this.kind = kindOf(problem)
    this.retryable = isRetryable(problem)
  }
}

/** The server was not reached, or the client was closed. */
export class NetworkError extends OnairError {}
/** There was no answer in time. */
export class TimeoutError extends OnairError {}
/** The state is another than was thought: `not-allowed`, `revision-mismatch`, `gone`, `already-exists`. */
export class ConflictError extends OnairError {}
/** What was asked for cannot be: `invalid`, `not-found`, `too-large`. */
export class ValidationError extends OnairError {}
/** Whoever asks may not: `unauthenticated`, `forbidden`, `origin-refused`. */
export class PermissionError extends OnairError {}
/** The server could not: `read-only`, `too-many-requests`, `step-failed`, `internal`. */
export class ServerError extends OnairError {}

const CLASSES = {
  network: NetworkError,
  timeout: TimeoutError,
  conflict: ConflictError,
  validation: ValidationError,
  permission: PermissionError,
  server: ServerError,
} as const

/** The error that a problem is. */
export function errorOf(problem: Problem): OnairError {
  return new CLASSES[kindOf(problem)](problem)
}

/** A problem of this side. */
export function problem(code: Code | LocalCode, detail: string, more: Readonly<Record<string, unknown>> = {}): Problem {
  return { code, status: 0, title: code, detail, ...more }
}

/** The problem in a body or message, whatever came. */
export function problemOf(body: unknown, status: number): Problem {
  if (isObject(body as Json)) {
    const said = body as Partial<Problem>
    if (typeof said.code === 'string') return { title: '', detail: '', ...said, code: said.code, status: said.status ?? status }
  }
  const code = status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : status === 429 ? 'too-many-requests' : 'internal'
  return { code, status, title: '', detail: `the answer was ${status} without a problem` }
}

export function isRetryable(said: Problem): boolean {
  return (KINDS[said.code as Code] ?? '').startsWith('!')
}

function kindOf(said: Problem): Kind {
  return (KINDS[said.code as Code] ?? 'server').replace('!', '') as Kind
}

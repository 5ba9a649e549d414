// What came from the server, looked at before it is believed: a frame that was cut or made up changes nothing.

import { isObject } from '../json/value.js'
import type { Change, Commit, Documents, Json, ServerMessage } from '../types.js'

type Of<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>

/** The message, if it is one that this client knows and all is there; `undefined` when it is garbled. */
export function read(message: unknown): ServerMessage | { readonly type: 'unknown' } | undefined {
  if (!isObject(message as Json)) return undefined
  const said = message as ServerMessage
  switch (said.type) {
    case 'commit':
      return isCommit(said) ? said : undefined
    case 'snapshot':
      return text(said.epoch) && revision(said.revision) && isDocuments(said) ? said : undefined
    case 'subscribed':
      return text(said.epoch) && revision(said.revision) ? said : undefined
    case 'digest':
      return revision(said.revision) && text(said.digest) ? said : undefined
    case 'welcome':
      return text(said.server) && typeof said.heartbeat === 'number' ? said : undefined
    case 'result':
      return text(said.id) && revision(said.revision) ? said : undefined
    case 'problem':
      return text(said.code) ? said : undefined
    case 'signal':
    case 'presence':
    case 'pong':
      return said
    default:
      // A newer server may say more; what this client does not know, it need not hear.
      return text((said as { type?: unknown }).type) ? { type: 'unknown' } : undefined
  }
}

const text = (value: unknown): boolean => typeof value === 'string'
const revision = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function isCommit(commit: Commit): boolean {
  const { changes, cause } = commit
  return revision(commit.revision) && isObject(cause) && Array.isArray(changes) && changes.every((change) => isChange(change, commit))
}

function isChange(change: Change, commit: Commit): boolean {
  if (!isObject(change as unknown as Json) || !text(change.collection) || !text(change.id)) return false
  if (change.revision !== commit.revision) return false
  switch (change.op) {
    case 'put':
    case 'restore':
      return Object.hasOwn(change, 'value')
    case 'patch':
      return Object.hasOwn(change, 'patch')
    case 'delete':
      return true
    default:
      return false
  }
}

function isDocuments({ documents, revision: at }: Of<'snapshot'>): boolean {
  const entries = (collection: Documents[string]): boolean =>
    isObject(collection as unknown as Json) &&
    Object.values(collection).every((entry) => {
      return isObject(entry as unknown as Json) && revision(entry.revision) && entry.revision <= at && Object.hasOwn(entry, 'value')
    })
  return isObject(documents as unknown as Json) && Object.values(documents).every(entries)
}

// An edit as it is made: read as JSON, with what its author saw, and with those that it was made on top of.

import { isObject, jsonOf, NotJson } from './json/value.js'
import type { EditOptions } from './options.js'
import { difference } from './patch.js'
import { lastOf, type Edit, type Pending } from './pending.js'
import type { Replica } from './replica.js'
import type { Mutation } from './types.js'

/** What the server takes for the name of a collection or document (contract, section 2). */
const NAME = /^[\w.~-]{1,128}$/

/** The pending mutation; its place is given by the storage. Throws `NotJson` for what the server would refuse to read. */
export function pendingOf(replica: Replica, mutations: readonly Mutation[], options: EditOptions, now: number): Pending {
  const behind = new Set<string>()
  const edits = mutations.map((mutation) => {
    const before = replica.behind(mutation.collection, mutation.document).filter(({ problem }) => !problem)
    for (const id of lastOf(before)) behind.add(id)
    return editOf(replica, mutation, options, before.length > 0)
  })
  return { id: newId(), order: Number.MAX_SAFE_INTEGER, at: now, epoch: replica.cache.epoch, edits, behind: [...behind] }
}

function editOf(replica: Replica, mutation: Mutation, { ifRevision, merge = true }: EditOptions, isBehind: boolean): Edit {
  const { collection, document } = mutation
  const { epoch, revision } = replica.cache
  const said = jsonOf({ ...mutation, ...(ifRevision !== undefined && { ifRevision }) }) as unknown as Edit
  if (!NAME.test(collection)) throw new NotJson('/collection', `no name of a collection: ${collection}`)
  if (!NAME.test(document)) throw new NotJson('/document', `no name of a document: ${document}`)
  if (said.op === 'put' && said.value === undefined) throw new NotJson('/value', 'it is no JSON value')
  if (said.op === 'patch' && said.patch === undefined) throw new NotJson('/patch', 'it is no JSON value')
  const was = replica.get(collection, document)?.value
  if (said.op === 'restore') {
    const shown = said.revision === undefined && was === undefined ? replica.cache.deleted(collection, document) : undefined
    return { ...said, ...(was !== undefined && { was }), ...(shown !== undefined && { shown }) }
  }
  const merges = merge && epoch !== ''
  const edit = { ...said, ...(merges && { base: said.base ?? revision }), ...(was !== undefined && { was }) } as Edit
  // Behind an edit that is not confirmed, what a put changed tells it from what others change meanwhile.
  if (edit.op !== 'put' || !merges || !isBehind || !isObject(was) || !isObject(edit.value)) return edit
  const patch = difference(was, edit.value)
  const { value: _, ...rest } = edit
  return patch === undefined ? edit : { ...rest, op: 'patch', patch }
}

/** A name that nobody else makes: time first, so that a log of them reads in order. */
export function newId(): string {
  const random = crypto.getRandomValues(new Uint32Array(3))
  return `${Date.now().toString(36)}-${[...random].map((word) => word.toString(36)).join('')}`
}

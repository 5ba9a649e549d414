// What somebody wants and nobody has confirmed yet: a log of edits, shown on top of what is confirmed (row Y3).
//
// Nothing is swapped out: the shown value is the confirmed one with the pending edits applied anew. Each edit keeps
// what its author saw (`was`), so what it changed is told from what others changed meanwhile, as the server will.

import { equal, isObject } from './json/value.js'
import { merge, type Strategies } from './merge.js'
import { composed, divided, patched } from './patch.js'
import type { Json, Mutation, Problem } from './types.js'

/** One edit of one document. */
export type Edit = Mutation & {
  /** The value its author saw; left out when there was none. */
  readonly was?: Json
  /** What a restore is thought to bring back. */
  readonly shown?: Json
}

/** One mutation that waits: kept in the storage as it is. */
export interface Pending {
  /** The mutation id; it stays for good. */
  readonly id: string
  /** Its place in the queue: given by the storage, the same in all tabs. */
  readonly order: number
  /** When it was made, in milliseconds since 1970. */
  readonly at: number
  /** The log whose revisions the bases count. */
  readonly epoch: string
  readonly edits: readonly Edit[]
  /** Mutations that it was made on top of: of those that touch its documents the last, which name those before them. */
  readonly behind: readonly string[]
  /** What came of those before it, by the document's name. */
  readonly trail?: { readonly [key: string]: readonly Landed[] }
  /** Mutations that were joined to this one, and come out as it does. */
  readonly joined?: readonly string[]
  /** What was sent: said again word for word, for the same id with other content is refused. */
  readonly sent?: readonly Mutation[]
  /** How often it was sent over a link that lived and brought no answer. */
  readonly unanswered?: number
  /** It is confirmed by this revision, which the cache has not reached. */
  readonly until?: number
  /** Why it does not go on by itself. It is not shown, and waits to be retried or cleared. */
  readonly problem?: Problem
}

/** Where one edit, or several that are one by now, ended. */
export interface Landed {
  readonly base: number
  readonly revision: number
  /** Whether nobody else changed the document from the base on. */
  readonly applied: boolean
  /** What it touched; left out where that is the whole document. */
  readonly patch?: Json
}

/** Edits of one document made within this time become one while they wait: a fader sends 60 a second. Milliseconds. */
const JOIN_MS = 250

/** Of the pending mutations of a document, in order, those that no later one is on top of: one, where no two tabs were at it at once. */
export function lastOf(pending: readonly Pending[]): readonly string[] {
  const named = new Set<string>()
  for (const { behind } of pending) for (const id of behind) named.add(id)
  return pending.filter(({ id, joined = [] }) => ![id, ...joined].some((one) => named.has(one))).map(({ id }) => id)
}

/** The document's name among all. */
export function keyOf(edit: { readonly collection: string; readonly document: string }): string {
  return `${edit.collection}/${edit.document}`
}

/** The value with the edit on top; `undefined` is no document. */
export function rebased(edit: Edit, current: Json | undefined, strategies?: Strategies): Json | undefined {
  if (edit.op === 'restore') return edit.shown ?? current
  if (edit.base === undefined || equal(current, edit.was)) return edited(edit, current)
  return merge(edit.was, edited(edit, edit.was), current, strategies).value
}

function edited(edit: Edit, value: Json | undefined): Json | undefined {
  switch (edit.op) {
    case 'put':
      return edit.value
    case 'patch':
      return value === undefined ? undefined : patched(value, edit.patch)
    case 'delete':
    case 'restore':
      return undefined
  }
}

/** Both as one mutation, when the second only goes on where the first has not been sent; `undefined` else. */
export function joined(first: Pending, second: Pending): Pending | undefined {
  const [a, b] = [first.edits[0], second.edits[0]]
  if (!a || !b || first.edits.length + second.edits.length > 2 || keyOf(a) !== keyOf(b)) return undefined
  if (first.sent || first.problem || first.until !== undefined || first.epoch !== second.epoch) return undefined
  if (second.at - first.at > JOIN_MS || b.ifRevision !== undefined) return undefined
  if ((a.base === undefined) !== (b.base === undefined)) return undefined
  const edit = both(a, b)
  return edit && { ...first, edits: [edit], joined: [...(first.joined ?? []), second.id, ...(second.joined ?? [])] }
}

function both(a: Edit, b: Edit): Edit | undefined {
  const { base, was, ifRevision, collection, document } = a
  const same = {
    collection,
    document,
    ...(base !== undefined && { base }),
    ...(was !== undefined && { was }),
    ...(ifRevision !== undefined && { ifRevision }),
  }
  if (b.op === 'put' && (a.op === 'put' || a.op === 'patch')) return { ...same, op: 'put', value: b.value }
  if (b.op !== 'patch') return undefined
  if (a.op === 'put') return isObject(a.value) ? { ...same, op: 'put', value: patched(a.value, b.patch) } : undefined
  if (a.op !== 'patch') return undefined
  const patch = composed(a.patch, b.patch)
  return patch === undefined ? undefined : { ...same, op: 'patch', patch }
}

/** The mutations as the server reads them. No base where the batch itself has changed the same field: it would conflict with itself. */
export function mutationsOf(pending: Pending, epoch: string, baseOf = (edit: Edit): number | undefined => edit.base): readonly Mutation[] {
  return pending.edits.map((edit, at) => {
    const { was: _, shown: __, base, ...mutation } = edit
    const met = pending.edits.slice(0, at).some((other) => keyOf(other) === keyOf(edit) && overlap(other, edit))
    return base === undefined || met || pending.epoch !== epoch || edit.op === 'restore' ? mutation : { ...mutation, base: baseOf(edit) ?? base }
  })
}

function overlap(a: Edit, b: Edit): boolean {
  return a.op !== 'patch' || b.op !== 'patch' || divided(b.patch, a.patch).both !== undefined
}

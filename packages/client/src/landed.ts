// Where an author's own earlier edits of a document ended: what an edit made on top of them begins at (row Y3).
//
// Each edit names only those directly before it, so what came of all earlier ones is handed on from one to the next. It
// is kept short: what a later edit covers is left out, so it is no longer than the document has fields.

import { isObject, member, object } from './json/value.js'
import { divided } from './patch.js'
import { keyOf, type Edit, type Landed, type Pending } from './pending.js'
import type { Json, Receipt } from './types.js'

/** What is handed on, by the document's name. */
export type Trail = NonNullable<Pending['trail']>

/** What those behind this one begin at, when it came out so; without a receipt it changed nothing. */
export function handedOn({ edits, trail = {} }: Pending, receipt?: Receipt): Trail {
  const all = new Map(Object.entries(trail))
  // A conflict: its author saw what does not stand, and those behind are measured against what they began with.
  if (receipt && receipt.outcome !== 'conflict') {
    for (const edit of edits) all.set(keyOf(edit), added(all.get(keyOf(edit)) ?? [], landing(edit, receipt)))
  }
  return Object.fromEntries(all)
}

/** The mutation on top of this trail. What was said already stays as it is, and hands the trail on all the same. */
export function onTop(pending: Pending, trail: Trail): Pending {
  const own = Object.entries(trail).filter(([key]) => pending.edits.some((edit) => keyOf(edit) === key))
  if (own.length === 0) return pending
  const both = own.map(([key, landed]) => [key, united(pending.trail?.[key] ?? [], landed)] as const)
  const edits = pending.edits.flatMap((edit) => {
    return (trail[keyOf(edit)] ?? []).reduce<Edit[]>((parts, landed) => parts.flatMap((part) => onto(part, landed)), [edit])
  })
  return { ...pending, ...(!pending.sent && { edits }), trail: { ...pending.trail, ...Object.fromEntries(both) } }
}

function landing(edit: Edit, { revision, outcome }: Receipt): Landed {
  return { base: edit.base ?? 0, revision, applied: outcome === 'applied', ...(edit.op === 'patch' && { patch: edit.patch }) }
}

/**
 * The edit behind one that landed. Applied: nobody else was there, its author saw just that revision. Merged: only what
 * both touch begins there; for the rest others may have been there since its base.
 */
function onto(edit: Edit, { base, revision, applied, patch }: Landed): Edit[] {
  // Who has the revision saw what was there, and others' edits up to his own.
  if (edit.base === undefined || edit.base >= revision) return [edit]
  if (edit.op !== 'patch' || patch === undefined || (applied && edit.base >= base)) return [{ ...edit, base: revision }]
  const { both, only } = divided(edit.patch, patch)
  return [
    ...(only === undefined ? [] : [{ ...edit, patch: only }]),
    ...(both === undefined ? [] : [{ ...edit, patch: both, base: revision }]),
  ]
}

/** The trail with one more at its end. */
function added(trail: readonly Landed[], next: Landed): readonly Landed[] {
  if (next.patch === undefined) return [next]
  const last = trail.at(-1)
  // Nobody else was there since before the last one: both are one.
  if (next.applied && last?.applied && last.revision === next.base) {
    const { patch: _, ...rest } = last
    const one = { ...rest, revision: next.revision }
    return [...trail.slice(0, -1), last.patch === undefined ? one : { ...one, patch: shape(last.patch, next.patch) }]
  }
  const { patch } = next
  const left = trail.flatMap((one) => {
    if (one.patch === undefined) return [one]
    const { only } = divided(one.patch, patch)
    if (only !== undefined) return [{ ...one, patch: only }]
    return one.applied && !(next.applied && next.base <= one.base) ? [{ ...one, patch: {} }] : []
  })
  return [...left, next]
}

/** Both trails, of edits that did not know of each other. */
function united(a: readonly Landed[], b: readonly Landed[]): readonly Landed[] {
  const rest = a.filter((one) => !b.some(({ revision }) => revision === one.revision))
  if (rest.length === 0) return b
  return [...rest, ...b].sort((x, y) => x.revision - y.revision).reduce<readonly Landed[]>(added, [])
}

/** A patch that touches what either does; its values say nothing. */
function shape(a: Json, b: Json): Json {
  if (!isObject(a) || !isObject(b)) return 0
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return object([...names].map((name) => {
    const [one, other] = [member(a, name), member(b, name)]
    return [name, one === undefined ? (other as Json) : other === undefined ? one : shape(one, other)]
  }))
}

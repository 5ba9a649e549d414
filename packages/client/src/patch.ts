// JSON Merge Patch (RFC 7396): applied, put together, and made from what an edit changed.

import { equal, isObject, member, object } from './json/value.js'
import type { Json, JsonObject } from './types.js'

/** What `patch` makes of `target`. Parts that it does not touch are the same objects as before. */
export function patched(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const members = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, patched(members.get(name), value))
  }
  return object(members)
}

/** The one patch that does what `first` and then `second` do; `undefined` when no patch can. */
export function composed(first: Json, second: Json): Json | undefined {
  if (!isObject(second)) return second
  // What was replaced whole and then changed within would be merged with what stood there before.
  if (!isObject(first)) return undefined
  const members = new Map(Object.entries(first))
  for (const [name, value] of Object.entries(second)) {
    const before = members.get(name)
    const both = before === undefined ? value : composed(before, value)
    if (both === undefined) return undefined
    members.set(name, both)
  }
  return object(members)
}

/** The patch that makes `after` of `before`; `undefined` when no patch can, because `after` holds a null. */
export function difference(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const members = new Map<string, Json>()
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) members.set(name, null)
  for (const [name, value] of Object.entries(after)) {
    const old = member(before, name)
    if (equal(old, value)) continue
    if (holdsNull(value)) return undefined
    const inner = isObject(old) && isObject(value) ? difference(old, value) : value
    if (inner === undefined) return undefined
    members.set(name, inner)
  }
  return object(members)
}

/** Whether a patch could not say this value: null means removal there. Arrays are replaced whole. */
function holdsNull(value: Json): boolean {
  return value === null || (isObject(value) && Object.values(value).some(holdsNull))
}

/** The part of `patch` that touches what `other` touches, and the rest. */
export function divided(patch: Json, other: Json): { readonly both?: Json; readonly only?: Json } {
  if (!isObject(patch) || !isObject(other) || Object.keys(patch).length === 0) return { both: patch }
  const both = new Map<string, Json>()
  const only = new Map<string, Json>()
  for (const [name, value] of Object.entries(patch)) {
    const met = member(other, name)
    if (met === undefined) {
      only.set(name, value)
      continue
    }
    const parts = divided(value, met)
    if (parts.both !== undefined) both.set(name, parts.both)
    if (parts.only !== undefined) only.set(name, parts.only)
  }
  return { ...(both.size > 0 && { both: object(both) }), ...(only.size > 0 && { only: object(only) }) }
}

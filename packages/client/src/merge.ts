// Merging a late edit, as `crates/core/src/merge` does it: for showing what the server will make of it (rows K1, Y3).

import { canonical, equal, isObject, member, object } from './json/value.js'
import type { Json, JsonObject } from './types.js'

/** How one field is merged that both sides changed differently. */
export type Strategy = 'server' | 'local' | 'newest' | 'later' | 'union' | 'recurse' | 'manual'
/** What a collection says about its fields, by JSON pointer. */
export type Strategies = { readonly [pointer: string]: Strategy }

/** A field that both sides changed differently. A side that was not there is left out. */
export interface Clash {
  readonly path: string
  readonly base?: Json
  readonly local?: Json
  readonly server?: Json
  readonly resolution: Strategy | 'open'
}

/** What a merge makes; `value` is left out when the document is deleted. */
export interface Merged {
  readonly value?: Json
  readonly clashes: readonly Clash[]
}

/** Objects nested deeper are merged as one value. */
const DEPTH_MAX = 64

type Side = Json | undefined

/** Merges the edit `local` of `base` into `server`; `undefined` is a document that does not exist. */
export function merge(base: Side, local: Side, server: Side, strategies: Strategies = {}): Merged {
  const clashes: Clash[] = []
  const value = field(base, local, server, '', 0, strategies, clashes)
  return value === undefined ? { clashes } : { value, clashes }
}

function field(base: Side, local: Side, server: Side, path: string, depth: number, own: Strategies, clashes: Clash[]): Side {
  if (equal(local, server) || equal(local, base)) return server
  if (equal(server, base)) return local
  const strategy = Object.hasOwn(own, path) ? (own[path] as Strategy) : usual(local, server, path)
  if (strategy === 'recurse' && depth < DEPTH_MAX && isObject(local) && isObject(server)) {
    const names = [...new Set([...Object.keys(local), ...Object.keys(server)])].sort(byCodePoint)
    const before: JsonObject = isObject(base) ? base : {}
    const members: [string, Json][] = []
    for (const name of names) {
      const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const value = field(member(before, name), member(local, name), member(server, name), at, depth + 1, own, clashes)
      if (value !== undefined) members.push([name, value])
    }
    return object(members)
  }
  const settled = settle(strategy, base, local, server)
  clashes.push({
    path,
    ...(base !== undefined && { base }),
    ...(local !== undefined && { local }),
    ...(server !== undefined && { server }),
    resolution: settled ? strategy : 'open',
  })
  return settled ? settled.value : server
}

/** What row K1 says where the collection says nothing. */
function usual(local: Side, server: Side, path: string): Strategy {
  if (Array.isArray(local) && Array.isArray(server)) return 'union'
  if (isObject(local) && isObject(server)) return 'recurse'
  if (later(local, server) !== undefined) return 'later'
  return path.endsWith('/status') ? 'newest' : 'manual'
}

/** The field as `strategy` has it; `undefined` when it does not fit these values or leaves the choice to somebody. */
function settle(strategy: Strategy, base: Side, local: Side, server: Side): { readonly value: Side } | undefined {
  switch (strategy) {
    case 'server':
      return { value: server }
    case 'local':
      return { value: local }
    case 'newest':
      return { value: local ?? server }
    case 'later': {
      const value = later(local, server)
      return value === undefined ? undefined : { value }
    }
    case 'union':
      return Array.isArray(local) && Array.isArray(server)
        ? { value: union(Array.isArray(base) ? base : [], local, server) }
        : undefined
    case 'recurse':
    case 'manual':
      return undefined
  }
}

/** Two edits of one array, united as sets: the server's elements, then those added locally. */
function union(base: readonly Json[], local: readonly Json[], server: readonly Json[]): Json {
  const was = new Set(base.map(canonical))
  const stays = new Set(local.map(canonical))
  const kept = server.filter((item) => !was.has(canonical(item)) || stays.has(canonical(item)))
  const added = local.filter((item) => !was.has(canonical(item)))
  const taken = new Set<string>()
  return [...kept, ...added].filter((item) => taken.size < taken.add(canonical(item)).size)
}

/** The later of two times; `undefined` when one of them is not a time. */
function later(local: Side, server: Side): Json | undefined {
  const [a, b] = [time(local), time(server)]
  return a === undefined || b === undefined ? undefined : a > b ? local : server
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/

function time(value: Side): number | undefined {
  const parts = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (!parts) return undefined
  const [, day = '', minute = '', second = '', fraction = '', zone = ''] = parts
  // A leap second is the second before; what is behind milliseconds is cut, as the server does.
  const text = `${day}T${minute}${second === '60' ? '59' : second}${fraction.slice(0, 4)}${zone.toUpperCase()}`
  const ms = Date.parse(text)
  return Number.isNaN(ms) || new Date(`${day}T00:00Z`).toISOString().slice(0, 10) !== day ? undefined : ms
}

/** As Rust orders names: by code point, where UTF-16 units would put U+E000 and up behind the others. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const order = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0)
    if (order !== 0) return order
  }
  return left.length - right.length
}

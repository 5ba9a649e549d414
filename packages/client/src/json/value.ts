// JSON values: the canonical text, equality, and what of an application's value is JSON that the server keeps.

import type { Json, JsonObject } from '../types.js'

/** The largest integer that every JSON reader keeps exactly. */
const INTEGER_MAX = Number.MAX_SAFE_INTEGER
/** Levels of nesting of a document that a message has room for: the server reads 64, and the message takes four. */
const DEPTH_MAX = 60

/** Whether it is an object, and not an array or null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member of that name which the object itself has. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** An object of these members; `__proto__` is a name like any other. */
export function object(members: Iterable<readonly [string, Json]>): JsonObject {
  return Object.fromEntries(members)
}

/** The RFC 8785 form: what `JSON.stringify` writes, with names in the order of their UTF-16 units. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join()}}`
}

/** Whether both are the same JSON value; `undefined` is no value. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => equal(item, b[at] as Json))
  }
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => equal(member(a, name), member(b, name)))
}

/** A value that the server would refuse, and where. */
export class NotJson extends Error {
  constructor(
    readonly pointer: string,
    detail: string,
  ) {
    super(detail)
  }
}

/** A copy of the value as JSON. Throws {@link NotJson} for what would be lost or rounded on the way. */
export function jsonOf(value: unknown): Json {
  const text = JSON.stringify(value)
  if (text === undefined) throw new NotJson('', 'it is no JSON value')
  const copy = JSON.parse(text) as Json
  check(copy, value, '', 0)
  return copy
}

function check(copy: Json, value: unknown, at: string, depth: number): void {
  if (depth > DEPTH_MAX) throw new NotJson(at, `nested deeper than ${DEPTH_MAX} levels`)
  if (copy === null && typeof value === 'number') throw new NotJson(at, 'the number is out of range')
  if (typeof copy === 'number' && Number.isInteger(copy) && Math.abs(copy) > INTEGER_MAX && Math.abs(copy) < 2 ** 64) {
    throw new NotJson(at, `the integer ${copy} is beyond 2^53 - 1 and would be rounded`)
  }
  if (typeof copy === 'string' && /\p{Surrogate}/u.test(copy)) throw new NotJson(at, 'half a character')
  if (typeof copy !== 'object' || copy === null) return
  for (const [name, item] of Object.entries(copy)) {
    const inner = isObject(value) || Array.isArray(value) ? (value as Record<string, unknown>)[name] : undefined
    if (/\p{Surrogate}/u.test(name)) throw new NotJson(at, 'half a character in a name')
    check(item as Json, inner, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1)
  }
}

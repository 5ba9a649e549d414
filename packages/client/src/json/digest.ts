// The digest of a set of documents, exactly as `crates/wire/src/digest.rs` says it (row Y6).

import type { Json } from '../types.js'
import { canonical } from './value.js'
import { xxh32 } from './xxh32.js'

/** Two lanes of 32 bits. */
export type Lanes = readonly [number, number]

/** Of no document. */
export const EMPTY: Lanes = [0, 0]

const encoder = new TextEncoder()

/** Of one document. */
export function lanesOf(collection: string, id: string, revision: number, value: Json): Lanes {
  const text = encoder.encode(canonical([collection, id, revision, value]))
  return [xxh32(text, 0), xxh32(text, 1)]
}

/** Of both sets together; they have no document in common. */
export function plus(a: Lanes, b: Lanes): Lanes {
  return [(a[0] + b[0]) >>> 0, (a[1] + b[1]) >>> 0]
}

/** Of the first set without the second, which is part of it. */
export function minus(a: Lanes, b: Lanes): Lanes {
  return [(a[0] - b[0]) >>> 0, (a[1] - b[1]) >>> 0]
}

/** As it is written: 16 lower-case hexadecimal digits. */
export function written(lanes: Lanes): string {
  return lanes.map((lane) => lane.toString(16).padStart(8, '0')).join('')
}

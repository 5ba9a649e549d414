// xxHash32 of bytes, as its specification writes it: what digests are made of (crates/wire/src/digest.rs).

const P1 = 0x9e3779b1
const P2 = 0x85ebca77
const P3 = 0xc2b2ae3d
const P4 = 0x27d4eb2f
const P5 = 0x165667b1

const rotated = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

/** The hash, from 0 to 2^32 - 1. */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const word = (at: number): number => view.getInt32(at, true)
  const round = (lane: number, at: number): number => Math.imul(rotated((lane + Math.imul(word(at), P2)) | 0, 13), P1)
  let at = 0
  let hash = (seed + P5) | 0
  if (bytes.length >= 16) {
    let a = (seed + P1 + P2) | 0
    let b = (seed + P2) | 0
    let c = seed | 0
    let d = (seed - P1) | 0
    for (; at + 16 <= bytes.length; at += 16) {
      a = round(a, at)
      b = round(b, at + 4)
      c = round(c, at + 8)
      d = round(d, at + 12)
    }
    hash = (rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)) | 0
  }
  hash = (hash + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4) hash = Math.imul(rotated((hash + Math.imul(word(at), P3)) | 0, 17), P4)
  for (; at < bytes.length; at += 1) hash = Math.imul(rotated((hash + Math.imul(view.getUint8(at), P5)) | 0, 11), P1)
  hash = Math.imul(hash ^ (hash >>> 15), P2)
  hash = Math.imul(hash ^ (hash >>> 13), P3)
  return (hash ^ (hash >>> 16)) >>> 0
}

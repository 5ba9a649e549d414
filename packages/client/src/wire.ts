// The wire by itself, for programs that bring their own connection: cache, merge, digest, patch. A separate entry.

export { Cache, type Applied } from './cache.js'
export { written, lanesOf, plus, minus, EMPTY, type Lanes } from './json/digest.js'
export { canonical, equal } from './json/value.js'
export { xxh32 } from './json/xxh32.js'
export { merge, type Clash, type Merged, type Strategies, type Strategy } from './merge.js'
export { patched, composed, difference, divided } from './patch.js'
export type * from './types.js'

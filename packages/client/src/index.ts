// The core entry.
export { Cache } from './cache.js'

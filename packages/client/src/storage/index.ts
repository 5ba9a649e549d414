// Storages by themselves, for programs that choose one. A separate entry.

export { indexedDb } from './indexeddb.js'
export { local } from './local.js'
export { memory } from './memory.js'
export { openStorage, type Storage } from './storage.js'

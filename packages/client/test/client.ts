// What tests of the client import, as an application would.
export * from '../src/index.js'
export { ConflictError as NotAllowed } from '../src/index.js'

// The golden files at the root of the repository, which the Rust tests read too.
import { readFileSync, readdirSync } from 'node:fs'

const root = new URL('../../../fixtures/', import.meta.url)

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, root), 'utf8')) as T
}

export function fixturesOf(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, root)).filter((name) => name.endsWith('.json')).map((name) => `${folder}/${name}`)
}

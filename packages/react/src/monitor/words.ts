// How things are said: a word, a shape and a tone for every state, and times for people.

import type { Phase } from '@onair/client'

/** What a state means for who looks: the colour follows from it, and never says more than shape and word. */
export type Tone = 'quiet' | 'busy' | 'good' | 'air' | 'warn' | 'bad'
export type Shown = readonly [shape: string, tone: Tone]

const PHASES: Readonly<Record<Phase | 'unknown' | 'paused', Shown>> = {
  unknown: ['…', 'quiet'], idle: ['○', 'quiet'], initializing: ['◔', 'busy'], ready: ['◉', 'good'], starting: ['◑', 'busy'],
  live: ['●', 'air'], paused: ['❚❚', 'warn'], stopping: ['◕', 'busy'], error: ['✕', 'bad'],
}
const STATUSES: Readonly<Record<string, Shown>> = {
  down: ['○', 'quiet'], initializing: ['◔', 'busy'], ready: ['◉', 'good'], starting: ['◑', 'busy'], active: ['●', 'good'],
  stopping: ['◕', 'busy'], failed: ['✕', 'bad'], pending: ['○', 'quiet'], running: ['◑', 'busy'], done: ['✓', 'good'],
  undone: ['↺', 'warn'], skipped: ['–', 'quiet'], rolledBack: ['↺', 'warn'], open: ['◆', 'warn'], resolved: ['✓', 'good'],
  info: ['i', 'quiet'], warning: ['▲', 'warn'], error: ['✕', 'bad'], connected: ['●', 'good'], connecting: ['◔', 'busy'],
  reconnecting: ['◔', 'warn'], offline: ['✕', 'bad'], 'needs-auth': ['◆', 'warn'], delivering: ['✓', 'good'], waiting: ['◔', 'busy'],
  retrying: ['▲', 'warn'], parked: ['✕', 'bad'], idle: ['○', 'quiet'],
}

export const phaseShown = (phase: string): Shown => PHASES[phase as Phase] ?? ['?', 'quiet']
/** A status that a newer server may say is shown all the same. */
export const statusShown = (status: string): Shown => (Object.hasOwn(STATUSES, status) ? (STATUSES[status] as Shown) : ['·', 'quiet'])

/** `rolledBack` and `emergency-stop` as words. */
export function spoken(word: string): string {
  return word.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[-_]/g, ' ').toLowerCase()
}

/** Milliseconds as people say them: `420 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function lasting(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`
}

/** How long ago or ahead, in whole seconds: what is shown changes once a second at most. */
export function away(ms: number): string {
  return lasting(Math.max(0, Math.floor(ms / 1_000)) * 1_000).replace('0 ms', '0 s').replace(/\.0 s/, ' s')
}

/** The time of day, with seconds. */
export function timeOf(at: string | number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? '–' : date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
}

export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** Text of an error that may be a string, an object with a message, or anything. */
export function textOf(error: unknown): string | undefined {
  if (error === null || error === undefined) return undefined
  if (typeof error === 'string') return error
  const message = typeof error === 'object' ? (error as { readonly message?: unknown }).message : undefined
  return typeof message === 'string' ? message : JSON.stringify(error)
}

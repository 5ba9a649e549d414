// How long to wait before the next try: twice as long each time, up to a limit, with jitter (row E1).

/** How tries are spaced; milliseconds. */
export interface Backoff {
  readonly first: number
  readonly factor: number
  readonly max: number
}

/** A show comes back fast, and ten thousand clients that lost one server do not come back at once. */
export const BACKOFF: Backoff = { first: 500, factor: 2, max: 10_000 }

/** The wait before try `attempt`, counted from 0; `chance` is from 0 to 1. Half of it is fixed, half is jitter. */
export function delay({ first, factor, max }: Backoff, attempt: number, chance: number): number {
  const whole = Math.min(max, first * factor ** Math.min(attempt, 32))
  return Math.round(whole * (0.5 + chance / 2))
}

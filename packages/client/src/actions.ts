// What an operator does beside editing: actions, settings, conflicts, findings (rows L4, L9, L11, K2).

import type { Replica } from './replica.js'
import type { Http } from './transport/http.js'
import type {
  ActionName, Can, Conflict, Finding, Json, JsonObject, Lifecycle, Moved, Phase, Plan, Receipt, Settings, Validity,
} from './types.js'

/** What a start is told: the session that goes on the air, and of what kind it is. */
export interface StartParams {
  readonly sessionId?: string
  readonly kind?: string
  /** Why a start goes on in spite of findings that block it; the history keeps it. */
  readonly breakGlass?: string
}
/** What an action is told. */
export interface ActParams extends StartParams {
  /** `false`: answered as soon as it is under way. */
  readonly wait?: boolean
}

/** What an operator does beside editing: `client.actions`. */
export class Actions {
  constructor(
    private readonly http: Http,
    private readonly replica: Replica,
    private readonly carryOut: (action: ActionName, params: JsonObject) => Promise<Moved | Plan>,
    private readonly id: () => string,
  ) {}

  /** Carries an action out. Rejects with an error of the contract's code; it is never done later than asked. */
  act(action: ActionName, params: ActParams = {}): Promise<Moved> {
    return this.carryOut(action, { ...params }) as Promise<Moved>
  }

  /** What the action would do now; nothing is changed. */
  plan(action: ActionName, params: StartParams = {}): Promise<Plan> {
    return this.carryOut(action, { ...params, dryRun: true }) as Promise<Plan>
  }

  /** Which actions are allowed now, and if not, why. */
  can(): Promise<Readonly<Record<ActionName, Can>>> {
    return this.http.read('can')
  }

  /** Whether a phase can be reached from here. */
  validate(to: Phase): Promise<Validity> {
    return this.http.read(`validate?to=${to}`)
  }

  /** The phase, and what belongs to it; `undefined` until the client is in step. */
  lifecycle(): Lifecycle | undefined {
    return this.#document('_system', 'lifecycle')
  }

  /** The settings as they are; `undefined` until the client is in step. */
  settings(): Settings | undefined {
    return this.#document('_system', 'settings')
  }

  /** Changes settings; rejects with `invalid` and the field named. */
  changeSettings(patch: Partial<Settings>): Promise<Settings> {
    return this.#ask('settings', 'PATCH', patch)
  }

  /** The conflicts, all or those that are open or resolved. */
  conflicts(status?: Conflict['status']): readonly Conflict[] {
    const all = this.replica.all('_conflicts').map(({ value }) => value as unknown as Conflict)
    return status === undefined ? all : all.filter((conflict) => conflict.status === status)
  }

  /** Chooses in a conflict: the late edit's value, the one that stands, or another one. */
  resolve(conflict: string, choose: 'local' | 'server'): Promise<Receipt>
  resolve(conflict: string, choose: 'merge', value: Json): Promise<Receipt>
  resolve(conflict: string, choose: 'local' | 'server' | 'merge', value?: Json): Promise<Receipt> {
    return this.#ask(`conflicts/${conflict}/resolve`, 'POST', { choose, ...(value !== undefined && { value }) })
  }

  /** The findings that stand. */
  findings(): readonly Finding[] {
    const all = this.replica.all('_findings').map(({ value }) => value as unknown as Finding)
    return all.filter(({ clearedAt }) => clearedAt === null)
  }

  /** Runs the check now. */
  check(): Promise<Json> {
    return this.#ask('check', 'POST')
  }

  #document<T>(collection: string, id: string): T | undefined {
    return this.replica.get(collection, id)?.value as T | undefined
  }

  #ask<T>(path: string, method: string, body?: unknown): Promise<T> {
    return this.http.json(path, { method, headers: { 'idempotency-key': this.id() }, ...(body !== undefined && { body }) })
  }
}

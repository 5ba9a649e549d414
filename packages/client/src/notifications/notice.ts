// What of the changes of a production is worth a notification (row N1). Pure.

import type { Changed } from '../replica.js'
import { isObject } from '../json/value.js'
import type { Json } from '../types.js'

/** The kinds that a production brings; an application may add its own. */
export type NoticeKind = 'turn' | 'action' | 'status' | (string & {})

/** A notification. */
export interface Notice {
  /** The same in every tab, so that it is shown once. */
  readonly id: string
  readonly kind: NoticeKind
  readonly title: string
  readonly text?: string
  /** RFC 3339. */
  readonly at?: string
}

/** The notification that a change is, if it is one. */
export function noticeOf({ kind, collection, id, value, before }: Changed, own: string): Notice | undefined {
  if (!isObject(value)) return undefined
  if (collection === own) return kind === 'created' ? written(id, value) : undefined
  if (collection === '_sequences') {
    const [was, is] = [isObject(before) ? before['status'] : undefined, value['status']]
    if (was === is || (is !== 'done' && is !== 'failed' && is !== 'rolledBack')) return undefined
    return { id: `sequence ${id} ${is}`, kind: 'action', title: `${text(value['kind'])}: ${is}`, ...at(value['endedAt']) }
  }
  if (collection === '_system' && id === 'lifecycle') {
    const [was, is] = [isObject(before) ? before['phase'] : undefined, value['phase']]
    if (was === undefined || was === is) return undefined
    return { id: `phase ${text(is)} ${text(value['since'])}`, kind: 'status', title: text(is), ...at(value['since']) }
  }
  return undefined
}

function written(id: string, value: { readonly [name: string]: Json }): Notice | undefined {
  const { kind, title, text: more, at: when } = value
  if (typeof kind !== 'string' || typeof title !== 'string') return undefined
  return { id: `document ${id}`, kind, title, ...(typeof more === 'string' && { text: more }), ...at(when) }
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const at = (value: Json | undefined): { readonly at?: string } => (typeof value === 'string' ? { at: value } : {})

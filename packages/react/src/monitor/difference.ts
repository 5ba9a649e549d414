// Differences of JSON values: field by field between two documents, and line by line between two texts.

import { equal } from '@onair/client/core'
import type { Documents, Json } from '@onair/client'

/** A field that is another one. */
export interface Field {
  /** A JSON pointer. */
  readonly path: string
  readonly before: Json | undefined
  readonly after: Json | undefined
}

export interface Changed {
  readonly key: string
  readonly kind: 'added' | 'removed' | 'changed'
  readonly fields: readonly Field[]
}

/** Which documents are not the same, and where. */
export function between(before: Documents, after: Documents): readonly Changed[] {
  const changed: Changed[] = []
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [old, now] = [before[name] ?? {}, after[name] ?? {}]
    if (old === now) continue
    for (const id of [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()) {
      const [a, b] = [old[id], now[id]]
      if (a === b || (a && b && a.revision === b.revision)) continue
      const fields = fieldsOf(a?.value, b?.value)
      if (fields.length > 0) changed.push({ key: `${name}/${id}`, kind: !a ? 'added' : !b ? 'removed' : 'changed', fields })
    }
  }
  return changed
}

/** The smallest fields in which two values differ. */
export function fieldsOf(before: Json | undefined, after: Json | undefined, path = ''): readonly Field[] {
  if (equal(before, after)) return []
  // Arrays of one length are compared place by place: the steps of a sequence say.
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) return before.flatMap((item: Json, at) => fieldsOf(item, after[at] as Json, `${path}/${at}`))
  if (!isObject(before) || !isObject(after)) return [{ path, before, after }]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => {
    const own = (value: { readonly [name: string]: Json }): Json | undefined => (Object.hasOwn(value, name) ? value[name] : undefined)
    return fieldsOf(own(before), own(after), `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  })
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface Line {
  readonly text: string
  /** Whether the text that it is compared with has no such line there. */
  readonly own: boolean
}

/** Lines more than this are compared place by place only. */
const LINES_MAX = 400

/** The lines of `text`, each with whether it is its own: by the longest common subsequence with `other`. */
export function linesOf(text: string, other: string): readonly Line[] {
  const [a, b] = [text.split('\n'), other.split('\n')]
  if (a.length > LINES_MAX || b.length > LINES_MAX) return a.map((line, at) => ({ text: line, own: line !== b[at] }))
  const width = b.length + 1
  const common = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? (common[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0)
    }
  }
  const lines: Line[] = []
  for (let i = 0, j = 0; i < a.length; ) {
    const line = a[i] as string
    if (j < b.length && line === b[j]) {
      lines.push({ text: line, own: false })
      i += 1
      j += 1
    } else if (j < b.length && (common[i * width + j + 1] ?? 0) > (common[(i + 1) * width + j] ?? 0)) {
      j += 1
    } else {
      lines.push({ text: line, own: true })
      i += 1
    }
  }
  return lines
}

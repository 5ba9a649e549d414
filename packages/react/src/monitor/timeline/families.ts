// What commits are about, in a few rows: a row and a shape tell them apart, the colour repeats it.

export const FAMILIES = ['show', 'services', 'documents', 'conflicts', 'system'] as const
export type Family = (typeof FAMILIES)[number]

/** The row of a cause. */
export function familyOf(kind: string): number {
  if (kind.startsWith('lifecycle.') || kind.startsWith('sequence.')) return 0
  if (kind.startsWith('service.')) return 1
  if (kind.startsWith('document.') || kind === 'batch') return 2
  if (kind.startsWith('conflict.') || kind.startsWith('finding.')) return 3
  return 4
}

// The strip: every commit of a stretch of the log on one axis, a row for each family. Where there are more commits than
// columns, a column stands for many, as high as there are.

import { FAMILIES } from './families.js'
import type { Recorder } from './recorder.js'

export const ROW = 14
export const HEIGHT = FAMILIES.length * ROW

export interface Stretch {
  readonly from: number
  readonly to: number
}

interface Marks {
  /** Where the production is looked at. */
  readonly cursor: number
  /** The other end of a comparison. */
  readonly pinned: number | undefined
}

/** Draws into the canvas, as wide as it is shown. */
export function draw(canvas: HTMLCanvasElement, recorder: Recorder, { from, to }: Stretch, { cursor, pinned }: Marks): void {
  const scale = globalThis.devicePixelRatio || 1
  const width = canvas.clientWidth
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale)
  if (canvas.height !== Math.round(HEIGHT * scale)) canvas.height = Math.round(HEIGHT * scale)
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const { rows, text, accent, line, sunk } = colours(canvas)
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, HEIGHT)
  context.fillStyle = line
  for (let row = 1; row < FAMILIES.length; row += 1) context.fillRect(0, row * ROW - 0.5, width, 1)
  const count = to - from + 1
  const columns = Math.max(1, Math.min(count, Math.floor(width / 3)))
  const step = width / columns
  const into = new Uint32Array(FAMILIES.length + 1)
  const most = Math.log2(1 + Math.ceil(count / columns))
  for (let column = 0; column < columns; column += 1) {
    const first = from + Math.floor((column * count) / columns)
    const last = from + Math.floor(((column + 1) * count) / columns) - 1
    recorder.count(first, Math.max(first, last), into)
    for (let row = 0; row < FAMILIES.length; row += 1) {
      const there = into[row] as number
      if (there === 0) continue
      const height = Math.max(3, (Math.log2(1 + there) / most) * (ROW - 3))
      context.fillStyle = rows[row] as string
      context.fillRect(column * step, (row + 1) * ROW - 1 - height, Math.max(1.5, Math.min(step - 1, 10)), height)
    }
    if ((into[FAMILIES.length] as number) > 0) {
      context.fillStyle = sunk
      context.fillRect(column * step, 0, step, HEIGHT)
    }
  }
  const x = (revision: number): number => ((revision - from + 0.5) / count) * width
  const mark = (revision: number, colour: string, dashed: boolean): void => {
    if (revision < from || revision > to) return
    context.strokeStyle = colour
    context.lineWidth = 2
    context.setLineDash(dashed ? [4, 3] : [])
    context.beginPath()
    context.moveTo(x(revision), 0)
    context.lineTo(x(revision), HEIGHT)
    context.stroke()
  }
  if (pinned !== undefined) mark(pinned, accent, true)
  mark(cursor, text, false)
}

/** The colours of now, dark or light: a canvas knows no variables, so they are read off where the sheet has put them. */
function colours(canvas: HTMLCanvasElement): { readonly [name in 'text' | 'accent' | 'line' | 'sunk']: string } & { readonly rows: readonly string[] } {
  const own = getComputedStyle(canvas)
  const legend = [...(canvas.parentElement?.querySelectorAll('li') ?? [])]
  return { rows: legend.map((row) => getComputedStyle(row).color), text: own.color, accent: own.outlineColor, line: own.borderTopColor, sunk: own.caretColor }
}

/** The revision under a place of the strip. */
export function revisionAt(x: number, width: number, { from, to }: Stretch): number {
  const revision = from + Math.floor((x / Math.max(1, width)) * (to - from + 1))
  return Math.min(to, Math.max(from, revision))
}

/** A part of the stretch around a revision, `factor` as long. */
export function zoomed({ from, to }: Stretch, around: number, factor: number, oldest: number, newest: number): Stretch {
  const length = Math.max(10, Math.round((to - from + 1) * factor))
  if (length >= newest - oldest + 1) return { from: oldest, to: newest }
  const first = Math.min(newest - length + 1, Math.max(oldest, around - Math.round(length / 2)))
  return { from: first, to: first + length - 1 }
}

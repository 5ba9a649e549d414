// Writes wait for each other, and go as one (row Y4).

import { expect, test } from 'vitest'
import type { Pending } from '../src/pending.js'
import { Writer } from '../src/storage/writer.js'
import { memory } from '../src/storage/memory.js'

const edit = (order: number, at = 0): Pending => ({ id: `m${order}`, order, at, edits: [] }) as unknown as Pending

/** A storage whose writes end when they are told to. */
function slow(): { writes: string[]; end: (() => void)[]; writer: Writer; failures: unknown[]; all: () => Promise<readonly Pending[]> } {
  const [kept, writes, end, failures] = [memory(), [] as string[], [] as (() => void)[], [] as unknown[]]
  const write = async (put: readonly Pending[], drop: readonly string[]): Promise<void> => {
    writes.push(`${put.map(({ id }) => id).join(' ')} -${drop.join(' -')}`)
    await new Promise<void>((resolve) => end.push(resolve))
    if (put.some(({ id }) => id === 'm13')) throw new Error('the disk is full')
    await kept.write(put, drop)
  }
  return { writes, end, failures, writer: new Writer({ ...kept, write }, (error) => failures.push(error)), all: () => kept.all() }
}
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

test('y4 what comes while the disk is busy is written at once behind it, the last word of each', async () => {
  const { writes, end, writer, all } = slow()
  writer.write([edit(1)], [])
  writer.write([edit(2)], [])
  await turn()
  for (let n = 3; n <= 50; n += 1) writer.write([edit(n)], [`m${n - 1}`])
  writer.write([edit(50, 7)], [])
  end.shift()?.()
  await turn()
  end.shift()?.()
  await turn()
  expect(writes).toHaveLength(2)
  expect(writes[0]).toBe('m1 m2 -')
  expect(writes[1]).toMatch(/^m50 (-m\d+ ){47}-m\d+$/)
  expect((await all()).map(({ id, at }) => `${id} ${at}`)).toEqual(['m1 0', 'm50 7'])
})

test('y4 nothing is said before what it says is stored, in order, also where storing fails', async () => {
  const { end, writer, failures } = slow()
  const said: string[] = []
  writer.after(() => said.push('hello'))
  expect(said).toEqual(['hello'])
  writer.write([edit(13)], [])
  writer.after(() => said.push('first'))
  await turn()
  writer.write([edit(2)], [])
  writer.after(() => said.push('second'))
  expect(said).toEqual(['hello'])
  end.shift()?.()
  await turn()
  expect(failures).toHaveLength(1)
  expect(said).toEqual(['hello', 'first'])
  end.shift()?.()
  await turn()
  expect(said).toEqual(['hello', 'first', 'second'])
  writer.after(() => said.push('nothing to wait for'))
  expect(said).toHaveLength(4)
})

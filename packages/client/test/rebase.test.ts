// Pending edits and the queue, by the golden files that another language reads too.
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { problem } from '../src/errors.js'
import type { Strategies } from '../src/merge.js'
import { rebased, type Edit, type Pending } from '../src/pending.js'
import { Queue, type Moved } from '../src/queue.js'
import type { Code, Json, Receipt } from '../src/types.js'
import { fixture, fixturesOf } from './fixtures.js'

interface Rebase { name: string; confirmed?: Json; edits: Edit[]; shown?: Json; strategies?: Strategies }

describe('y3 what is shown', () => {
  for (const file of fixturesOf('rebase')) {
    test.each(fixture<{ cases: Rebase[] }>(file).cases)(`${file}: $name`, ({ confirmed, edits, shown, strategies }) => {
      expect(edits.reduce<Json | undefined>((value, edit) => rebased(edit, value, strategies), confirmed)).toEqual(shown)
    })
  }
})

interface Step {
  do: 'add' | 'next' | 'answered' | 'refused' | 'unanswered' | 'lost' | 'reached' | 'retry' | 'clear'
  pending?: Pending
  epoch?: string
  id?: string
  code?: Code
  receipt?: Receipt
  reached?: boolean
  revision?: number
  says?: unknown
  settled?: unknown
  waiting?: unknown
}

function moved(queue: Queue, step: Step): Moved | undefined {
  const id = step.id as string
  switch (step.do) {
    case 'add':
      return queue.add(step.pending as Pending)
    case 'answered':
      return queue.answered(id, step.receipt as Receipt, step.reached as boolean)
    case 'refused':
      return queue.refused(id, problem(step.code as Code, ''))
    case 'unanswered':
      return queue.unanswered(id)
    case 'retry':
      return queue.retry(step.id)
    case 'clear':
      return queue.clear(step.id)
    case 'lost':
      queue.lost()
      return undefined
    case 'reached':
      queue.reached(step.revision as number)
      return undefined
    case 'next':
      return undefined
  }
}

function taken(queue: Queue, step: Step): Step {
  const { says: _, settled: __, waiting: ___, ...said } = step
  const told = moved(queue, said)?.settled.map(({ id, result }) => `${id} ${result.outcome === 'refused' ? result.problem.code : result.outcome}`)
  return {
    ...said,
    ...(said.do === 'next' && { says: queue.next(said.epoch as string).messages }),
    ...(told && told.length > 0 && { settled: told }),
    waiting: queue.all().map(({ id, edits, sent, joined, until, problem }) => ({
      id,
      // What was said stands in `says`, and is not changed any more.
      ...(!sent && { edits }),
      ...(joined && { joined }),
      ...(until !== undefined && { until }),
      ...(problem && { problem: problem.code }),
    })),
  }
}

describe('y4 the queue', () => {
  for (const file of fixturesOf('queue')) {
    const golden = fixture<{ name: string; cases: { name: string; steps: Step[] }[] }>(file)
    const computed = golden.cases.map(({ name, steps }) => {
      const queue = new Queue('main')
      return { name, steps: steps.map((step) => taken(queue, step)) }
    })
    if (process.env['ONAIR_BLESS']) {
      const text = JSON.stringify({ ...golden, cases: computed }, undefined, 2)
      writeFileSync(new URL(`../../../fixtures/${file}`, import.meta.url), `${text}\n`)
    }
    test.each(golden.cases.map(({ name, steps }, at) => ({ name, steps, at })))(`${file}: $name`, ({ steps, at }) => {
      if (!process.env['ONAIR_BLESS']) expect(computed[at]?.steps).toEqual(steps)
    })
  }
})

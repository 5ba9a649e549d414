// That a test can fail on what the server's rules find (row A3).

import { expect, test } from 'vitest'

import { assertNoErrors } from '../src/testing.js'
import type { Json } from '../src/types.js'

const finding = (severity: string): Json => ({ code: 'DP004', severity, message: 'hook takes nothing', fix: 'Mend it.' })
const actions = (...severities: string[]): { check: () => Promise<Json> } => ({
  check: async () => ({ ok: true, findings: severities.map(finding) }),
})

test('a3 what is as bad as asked for is an error that says what stands', async () => {
  await assertNoErrors(actions())
  await assertNoErrors(actions('info', 'warning'))
  await expect(assertNoErrors(actions('error'))).rejects.toThrow(/error DP004: hook takes nothing\n {4}Mend it\./)
  await expect(assertNoErrors(actions('info', 'warning'), 'warning')).rejects.toThrow(/^1 findings stand/)
  await expect(assertNoErrors(actions('fatal'))).rejects.toThrow(/fatal/)
})

// The time line: scrubbed, played, compared and taken along; and everything as JSON (row M3).
import { readFileSync } from 'node:fs'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { MISSING, phase, Stage, until } from './stage.js'

describe.skipIf(MISSING !== undefined)(`the time line${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  beforeAll(async () => {
    await stage.open()
    await stage.production('evening')
    for (let n = 1; n <= 30; n += 1) await stage.ask('PUT', '/v1/productions/evening/documents/layers/clock', { text: `tick ${n}`, visible: n % 2 === 0 })
    await stage.ask('POST', '/v1/productions/evening/initialize')
  })
  afterAll(() => stage.close())

  const opened = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Time line' }).click()
    await page.getByRole('region', { name: 'Time line' }).waitFor()
  }
  const revision = (page: Page) => page.getByRole('spinbutton', { name: 'Revision' })
  const shown = (page: Page, text: string): Promise<void> => page.getByText(text, { exact: true }).waitFor()
  /** The revision at which the clock said this. */
  const ticked = async (n: number): Promise<number> => {
    const { versions } = (await stage.ask('GET', '/v1/productions/evening/documents/layers/clock/history?limit=100')) as { readonly versions: readonly { readonly revision: number; readonly value: { readonly text: string } }[] }
    return versions.find(({ value }) => value.text === `tick ${n}`)?.revision as number
  }

  test('m3 a scrub back and forward shows every panel as it was', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await phase(page, 'ready')
    await opened(page)
    const [third, fourth] = [await ticked(3), await ticked(4)]
    await revision(page).fill(String(third))
    await shown(page, 'tick 3')
    await phase(page, 'idle')
    expect(await page.getByRole('button', { name: 'Start', exact: true }).getAttribute('aria-disabled')).toBe('true')
    expect(await page.getByRole('switch', { name: 'Show clock' }).getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('button', { name: 'One commit on' }).click()
    await shown(page, 'tick 4')
    expect(await revision(page).inputValue()).toBe(String(fourth))
    const slider = page.getByRole('slider', { name: 'Revision' })
    await slider.focus()
    await page.keyboard.press('ArrowLeft')
    await shown(page, 'tick 3')
    await page.keyboard.press('Home')
    await until('at the beginning', async () => (await revision(page).inputValue()) === '1')
    await page.getByText('No layers yet.').waitFor()
    await page.getByRole('button', { name: 'Back to now' }).click()
    await shown(page, 'tick 30')
    await phase(page, 'ready')
    await page.context().close()
  })

  test('m3 it plays by itself and holds when told to', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await opened(page)
    await revision(page).fill(String(await ticked(1)))
    await shown(page, 'tick 1')
    await page.getByRole('combobox', { name: 'Speed' }).selectOption('64')
    await page.getByRole('button', { name: '▶ Play' }).click()
    await until('it goes on', async () => Number(await revision(page).inputValue()) >= (await ticked(20)))
    await page.getByRole('button', { name: '▶ Play' }).or(page.getByRole('button', { name: 'Hold' })).waitFor()
    await page.context().close()
  })

  test('m3 two revisions are compared field by field', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await opened(page)
    const [second, fifth] = [await ticked(2), await ticked(5)]
    await revision(page).fill(String(second))
    await page.getByRole('button', { name: 'Compare from here' }).click()
    await revision(page).fill(String(fifth))
    const compared = page.getByRole('region', { name: `Difference between revision ${second} and ${fifth}` })
    await compared.getByText('layers/clock').waitFor()
    await compared.getByText('"tick 2"').waitFor()
    await compared.getByText('"tick 5"').waitFor()
    await page.context().close()
  })

  test('m3 the export is a file that replay opens', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await opened(page)
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export', exact: true }).click()])
    const path = await saved.path()
    expect(saved.suggestedFilename()).toBe('evening.ndjson')
    expect(readFileSync(path, 'utf8').split('\n').length).toBeGreaterThan(30)
    expect(stage.run('replay', path)).toContain('layers/clock')
    await page.context().close()
  })

  test('m3 what comes while somebody looks at the past is not shown until he is back', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await opened(page)
    await revision(page).fill(String(await ticked(7)))
    await shown(page, 'tick 7')
    await stage.ask('PUT', '/v1/productions/evening/documents/layers/late', { text: 'afterwards', visible: true })
    const { revision: now } = (await stage.ask('GET', '/v1/productions/evening')) as { readonly revision: number }
    await until('the line grows', async () => (await page.getByRole('slider', { name: 'Revision' }).getAttribute('max')) === String(now))
    expect(await page.getByText('afterwards', { exact: true }).count()).toBe(0)
    await shown(page, 'tick 7')
    await page.getByRole('button', { name: 'Back to now' }).click()
    await shown(page, 'afterwards')
    await page.context().close()
  })

  test('m3 everything is there as JSON, is searched and is copied', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await page.getByRole('tab', { name: 'Raw JSON' }).click()
    await page.getByText('_system/lifecycle').waitFor()
    await page.getByRole('searchbox', { name: 'Search' }).fill('TICK 30')
    await page.locator('mark').getByText('tick 30').waitFor()
    await page.getByRole('button', { name: 'Copy JSON of all that is found' }).click()
    const text = await page.evaluate(() => navigator.clipboard.readText())
    expect(JSON.parse(text)['layers/clock'].value).toEqual({ text: 'tick 30', visible: true })
    await page.context().close()
  })
})

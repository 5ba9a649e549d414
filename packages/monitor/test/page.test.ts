// The page for everybody: axe finds nothing, it fits a phone and 200 % zoom, keys reach everything, tokens stay in the
// window, several productions have a tile each (row M1).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { connected, MISSING, phase, Stage } from './stage.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

declare global {
  var axe: { run(options: RunOptions): Promise<AxeResults> }
}

/** What axe finds, a line each. */
async function found(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ''}`))
}

describe.skipIf(MISSING !== undefined)(`the page${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  beforeAll(async () => {
    await stage.open()
    const agent = await stage.production('evening')
    await stage.production('morning')
    const at = '/v1/productions/evening/documents'
    await stage.ask('PUT', `${at}/layers/logo`, { name: 'Logo', visible: true })
    await stage.ask('PUT', `${at}/layers/long`, { name: 'a-name-without-an-end-'.repeat(8), visible: false })
    await stage.ask('PUT', `${at}/chat/one`, { author: 'kim', text: 'hello' })
    for (const title of ['a', 'b']) await stage.ask('PUT', `${at}/scenes/intro`, { title })
    await stage.ask('PUT', `${at}/scenes/intro?base=3`, { title: 'c', text: 'line\nline' }).catch(() => undefined)
    const { revision } = (await stage.ask('PUT', `${at}/scenes/two`, { title: 'a' })) as { readonly revision: number }
    await stage.ask('PUT', `${at}/scenes/two`, { title: 'b' })
    await stage.ask('PUT', `${at}/scenes/two?base=${revision}`, { title: 'c' })
    await stage.ask('POST', '/v1/productions/evening/initialize')
    agent.fails.set('start', 'the camera is not plugged in')
    await stage.ask('POST', '/v1/productions/evening/start').catch(() => undefined)
  })
  afterAll(() => stage.close())

  const LOOKS = [
    { name: 'a screen', width: 1440, height: 1000 },
    { name: 'a phone', width: 390, height: 844 },
    // A window of 1280 at 200 % has room for 640.
    { name: '200 % zoom', width: 640, height: 450 },
  ]
  const cases = LOOKS.flatMap((look) => (['dark', 'light'] as const).map((scheme) => ({ ...look, scheme })))

  test.each(cases)('m1 axe finds nothing on $name, $scheme, and nothing sticks out', async ({ width, height, scheme }) => {
    const page = await stage.window(await stage.browser({ width, height, scheme }), 'evening')
    await phase(page, 'error')
    const fits = async (): Promise<void> => expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await page.getByText('Before that').click()
    expect(await found(page)).toEqual([])
    await fits()
    await page.getByRole('button', { name: 'Time line' }).click()
    await page.getByRole('button', { name: 'One commit back' }).click()
    await page.getByText(/As it was at revision/).first().waitFor()
    await page.getByRole('button', { name: 'Compare from here' }).click()
    await page.getByRole('button', { name: 'One commit back' }).click()
    await page.getByRole('region', { name: /^Difference/ }).locator('li').first().waitFor()
    expect(await found(page)).toEqual([])
    await fits()
    await page.getByRole('button', { name: 'Back to now' }).click()
    await page.getByRole('tab', { name: 'Conflicts' }).click()
    await page.getByRole('button', { name: 'Write another…' }).first().click()
    expect(await found(page)).toEqual([])
    await fits()
    await page.getByRole('tab', { name: 'Raw JSON' }).click()
    await page.getByRole('searchbox').fill('a-name')
    await page.locator('mark').first().waitFor()
    expect(await found(page)).toEqual([])
    await fits()
    await page.getByRole('tab', { name: 'Show' }).click()
    await page.keyboard.press('F9')
    await page.getByRole('alertdialog').waitFor()
    expect(await found(page)).toEqual([])
    await page.context().close()
  })

  test('m1 keys reach everything, and views are chosen by arrows', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    const reached = new Set<string>()
    for (let press = 0; press < 80; press += 1) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''))
    }
    for (const name of ['Show', 'Time line', 'Initialize', 'Start', 'Recover', 'Copy recover as CLI', 'Show logo', 'Message']) expect([...reached], name).toContain(name)
    await page.getByRole('tab', { name: 'Show' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('region', { name: 'Conflict inbox' }).waitFor()
    await page.keyboard.press('End')
    await page.getByRole('region', { name: 'Everything as JSON' }).waitFor()
    await page.context().close()
  })

  test('m1 several productions have a tile each', async () => {
    const page = await (await stage.browser({ scheme: 'light' })).newPage()
    await page.goto(stage.url)
    const tiles = page.getByRole('list', { name: 'Productions' })
    await tiles.getByRole('link', { name: /evening.*error/ }).waitFor()
    expect(await tiles.getByRole('link').count()).toBe(3)
    expect(await found(page)).toEqual([])
    await tiles.getByRole('link', { name: /morning/ }).click()
    await connected(page)
    await page.getByRole('heading', { name: 'morning', exact: true }).waitFor()
    await page.getByRole('link', { name: 'All productions' }).click()
    await tiles.waitFor()
    await page.context().close()
  })

  test('x1 a server with tokens asks for one, and only this window keeps it', async () => {
    const made = (await stage.ask('POST', '/v1/tokens', { name: 'desk', role: 'operator' }, stage.admin())) as { readonly token: string }
    const browser = await stage.browser()
    const page = await browser.newPage()
    await page.goto(`${stage.url}/#evening`)
    const field = page.getByRole('textbox', { name: 'Token' })
    await field.waitFor()
    expect(await found(page)).toEqual([])
    await field.fill(made.token)
    await page.getByRole('button', { name: 'Go on' }).click()
    await connected(page)
    await phase(page, 'error')
    await page.reload()
    await connected(page)
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(made.token)
    const commands = await page.evaluate(async () => {
      document.querySelector<HTMLElement>('[aria-label="Copy recover as curl"]')?.click()
      await new Promise((resolve) => setTimeout(resolve, 200))
      return navigator.clipboard.readText()
    })
    expect(commands).toContain('$ONAIR_TOKEN')
    expect(commands).not.toContain(made.token)
    const tiles = await browser.newPage()
    await tiles.goto(stage.url)
    await tiles.getByText('This server wants to know who is there').waitFor()
    await browser.close()
  })
})

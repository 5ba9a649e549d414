// The desk in a browser, as an operator uses it: clicks and what is seen (rows M2, Y3, Y4, Y5).
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { MISSING, Stage, until } from './stage.js'

const SHOTS = process.env['DESK_SHOTS']

describe.skipIf(MISSING !== undefined)(`the desk${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  beforeAll(() => stage.open())
  afterAll(() => stage.close())

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const layer = (page: Page, name: string) => page.getByRole('switch', { name })
  const phase = (page: Page, word: string): Promise<void> => page.getByRole('status', { name: 'Phase' }).getByText(word, { exact: true }).waitFor()
  const on = (page: Page, name: string) => layer(page, name).getAttribute('aria-checked').then((value) => value === 'true')
  const shot = async (page: Page, name: string): Promise<void> => {
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true })
  }

  test('m2 from nothing to live by clicks, with the reasons on the way', async () => {
    const page = await stage.tab(await stage.browser())
    await phase(page, 'idle')
    const start = page.locator('.control.main')
    await start.getByText('the phase is idle, and start needs ready').waitFor()
    expect(await button(page, 'Start').getAttribute('aria-disabled')).toBe('true')
    await shot(page, 'idle')
    await button(page, 'Initialize').click()
    await phase(page, 'ready')
    await start.getByText('feed', { exact: true }).waitFor()
    await button(page, 'Add to the feed').click()
    await page.getByRole('textbox', { name: 'Title of a new session' }).fill('Evening show')
    await button(page, 'Add').click()
    await until('start is allowed', async () => (await button(page, 'Start').getAttribute('aria-disabled')) === 'false')
    await button(page, 'Start').click()
    await phase(page, 'live')
    await page.getByText('on air').waitFor()
    await button(page, 'Add four').click()
    await layer(page, 'Logo').waitFor()
    await page.getByRole('textbox', { name: 'Message' }).fill('we are on')
    await button(page, 'Send').click()
    await page.getByText('we are on').waitFor()
    await shot(page, 'live')
    await button(page, 'Pause').click()
    await phase(page, 'paused')
    await button(page, 'Resume').click()
    await phase(page, 'live')
    await page.context().close()
  })

  test('y5 a layer that is switched in one tab is switched in the other, and in another browser', async () => {
    const [one, other] = [await stage.browser(), await stage.browser()]
    const [a, b, c] = [await stage.tab(one), await stage.tab(one), await stage.tab(other)]
    const was = await on(a, 'Logo')
    await layer(a, 'Logo').click()
    expect(await on(a, 'Logo')).toBe(!was)
    await until('the others show it', async () => (await on(b, 'Logo')) === !was && (await on(c, 'Logo')) === !was)
    await one.close()
    await other.close()
  })

  test('y4 what is edited offline is shown at once, and sent once', async () => {
    const browser = await stage.browser()
    const watcher = await stage.tab(await stage.browser())
    const page = await stage.tab(browser)
    const was = await on(page, 'Camera')
    await browser.setOffline(true)
    await until('the desk says so', async () => (await page.locator('.connection').getAttribute('data-state')) !== 'connected')
    await layer(page, 'Camera').click()
    expect(await on(page, 'Camera')).toBe(!was)
    await page.getByText('1 edit waits').waitFor()
    await shot(page, 'offline')
    expect(await on(watcher, 'Camera')).toBe(was)
    const before = (await stage.log()).length
    await browser.setOffline(false)
    await until('the others see it', async () => (await on(watcher, 'Camera')) === !was)
    await page.getByText('Connected', { exact: true }).waitFor()
    expect(await page.getByText('edit waits').count()).toBe(0)
    const commits = (await stage.log()).slice(before)
    expect(commits.flatMap(({ changes }) => changes).filter(({ id }) => id === 'camera').length).toBe(1)
    await browser.close()
    await watcher.context().close()
  })

  test('k2 two edits of one field are shown to be decided, and the choice reaches everybody', async () => {
    const browser = await stage.browser()
    const [page, watcher] = [await stage.tab(browser), await stage.tab(await stage.browser())]
    await browser.setOffline(true)
    await until('the desk says so', async () => (await page.locator('.connection').getAttribute('data-state')) !== 'connected')
    await page.evaluate(() => void client.patch('layers', 'lower', { name: 'Guest' }))
    await stage.put('layers/lower', { name: 'Caption', visible: false })
    await browser.setOffline(false)
    const choice = watcher.getByRole('alertdialog', { name: 'Conflict' })
    await choice.getByText('layers/lower/name').waitFor()
    await shot(watcher, 'conflict')
    await choice.getByRole('button', { name: 'Take "Guest"' }).click()
    await layer(page, 'Guest').waitFor()
    await layer(watcher, 'Guest').waitFor()
    await choice.waitFor({ state: 'detached' })
    await browser.close()
    await watcher.context().close()
  })

  test('y5 when the leading tab is closed another leads', async () => {
    const browser = await stage.browser()
    const first = await stage.tab(browser)
    const [second, third] = [await stage.tab(browser), await stage.tab(browser)]
    await first.close()
    const was = await on(second, 'Logo')
    await layer(second, 'Logo').click()
    await until('the third tab shows it', async () => (await on(third, 'Logo')) === !was)
    await until('it is confirmed', () => second.evaluate(() => client.connection.state === 'connected' && client.connection.pending === 0))
    await browser.close()
  })

  test('y4 a server that is killed comes back, and what was edited survives a reload of the page', async () => {
    const page = await stage.tab(await stage.browser())
    await stage.kill()
    await until('the desk says so', async () => (await page.locator('.connection').getAttribute('data-state')) !== 'connected')
    const was = await on(page, 'Logo')
    await layer(page, 'Logo').click()
    await page.getByText('1 edit waits').waitFor()
    await shot(page, 'server-gone')
    await page.reload()
    await page.getByText('1 edit waits').waitFor()
    await stage.start()
    await until('it is confirmed', () => page.evaluate(() => client.connection.state === 'connected' && client.connection.pending === 0))
    expect(await on(page, 'Logo')).toBe(!was)
    await phase(page, 'live')
    await page.context().close()
  })

  test('m2 the desk fits a phone, and everything can be reached by keyboard', async () => {
    const page = await stage.tab(await stage.browser({ width: 390, height: 844 }))
    await layer(page, 'Logo').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await shot(page, 'phone')
    const reached = new Set<string>()
    for (let press = 0; press < 40; press += 1) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''))
    }
    for (const name of ['Initialize', 'Start', 'Pause', 'Stop', 'Emergency stop', 'Logo', 'Message']) expect([...reached]).toContain(name)
    await page.context().close()
  })

  test('m2 an emergency stop asks once more', async () => {
    const page = await stage.tab(await stage.browser())
    await button(page, 'Emergency stop').click()
    await phase(page, 'live')
    await button(page, 'Press again to stop').click()
    await phase(page, 'idle')
    await page.context().close()
  })
})

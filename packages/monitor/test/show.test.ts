// A whole show by clicks and keys, as an operator has it who has nothing but the page (rows M1, M2, K3).
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { connected, MISSING, phase, Stage, until, type Agent } from './stage.js'

describe.skipIf(MISSING !== undefined)(`the monitor${MISSING ? ` (skipped: ${MISSING})` : ''}`, () => {
  const stage = new Stage()
  let agent: Agent
  beforeAll(async () => {
    await stage.open()
    agent = await stage.production('evening')
  })
  afterAll(() => stage.close())

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const allowed = (page: Page, name: string): Promise<void> =>
    until(`${name} is allowed`, async () => (await button(page, name).getAttribute('aria-disabled')) === 'false')
  const press = async (page: Page, name: string): Promise<void> => {
    await allowed(page, name)
    await button(page, name).click()
  }
  const start = async (page: Page): Promise<void> => {
    await press(page, 'Start')
    await page.getByRole('dialog', { name: 'Start the show' }).getByRole('button', { name: 'Start now' }).click()
  }

  /** Behind a show it goes on to `ready` by itself, or waits to be asked. */
  const readied = async (page: Page): Promise<void> => {
    const may = (name: string) => button(page, name).getAttribute('aria-disabled').then((disabled) => disabled === 'false')
    await until('it rests', async () => (await may('Initialize')) || (await may('Start')))
    if (await may('Initialize')) await button(page, 'Initialize').click()
    await phase(page, 'ready')
  }

  test('m2 a show that fails, recovers, goes live and ends, by clicks, in two windows', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    const other = await stage.window(await stage.browser(), 'evening')
    await phase(page, 'idle')
    await page.getByText('the phase is idle, and start needs ready').waitFor()
    expect(await button(page, 'Start').getAttribute('aria-disabled')).toBe('true')
    await press(page, 'Initialize')
    await phase(page, 'ready')

    agent.fails.set('start', 'the camera is not plugged in')
    await press(page, 'Start')
    const plan = page.getByRole('dialog', { name: 'Start the show' })
    await plan.getByText('undone by host.stop').waitFor()
    await plan.getByRole('button', { name: 'Cancel' }).click()
    await phase(page, 'ready')
    await start(page)
    await phase(page, 'error')
    const alert = page.getByRole('region', { name: 'Alerts' })
    await alert.getByText('the camera is not plugged in').first().waitFor()
    await alert.getByText('press Recover').waitFor()
    await other.getByRole('region', { name: 'Alerts' }).getByText('the camera is not plugged in').first().waitFor()
    expect(await page.getByRole('img', { name: /^Phase error/ }).count()).toBe(1)

    agent.fails.clear()
    await press(page, 'Recover')
    await readied(page)
    await start(page)
    await phase(page, 'live')
    await phase(other, 'live')

    await page.getByRole('textbox', { name: 'Message' }).fill('<img src=x onerror=alert(1)> we are on')
    await press(page, 'Send')
    await other.getByText('<img src=x onerror=alert(1)> we are on').waitFor()
    await press(page, 'Pause')
    await phase(other, 'paused')
    await press(other, 'Resume')
    await phase(page, 'live')
    await press(page, 'Stop')
    await other.getByRole('row', { name: /stopping → idle/ }).waitFor()
    await page.context().close()
    await other.context().close()
  })

  test('m1 a layer that is switched in one window is switched in the other', async () => {
    await stage.ask('PUT', '/v1/productions/evening/documents/layers/logo', { name: 'Logo', visible: false })
    const page = await stage.window(await stage.browser(), 'evening')
    const other = await stage.window(await stage.browser(), 'evening')
    await page.getByRole('switch', { name: 'Show logo' }).click()
    await until('the other shows it', async () => (await other.getByRole('switch', { name: 'Show logo' }).getAttribute('aria-checked')) === 'true')
    await page.context().close()
    await other.context().close()
  })

  test('m2 every action can be copied for a terminal, and what is copied works', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    const copied = async (name: string): Promise<string> => {
      await button(page, name).click()
      await button(page, name.replace('Copy', 'copied')).waitFor()
      return page.evaluate(() => navigator.clipboard.readText())
    }
    expect(await copied('Copy initialize as CLI')).toBe(`onair initialize --server ${stage.url} --production evening`)
    expect(await copied('Copy emergency stop as curl')).toBe(`curl -X POST ${stage.url}/v1/productions/evening/emergency-stop`)
    const hide = await copied('Copy hide logo as CLI')
    expect(hide).toBe(`onair patch layers/logo '{"visible":false}' --server ${stage.url} --production evening`)
    stage.run('patch', 'layers/logo', '{"visible":false}', '--server', stage.url, '--production', 'evening')
    await until('it is off', async () => (await page.getByRole('switch', { name: 'Show logo' }).getAttribute('aria-checked')) === 'false')
    for (const name of ['initialize', 'start', 'pause', 'resume', 'stop', 'recover', 'emergency stop']) {
      for (const kind of ['CLI', 'curl']) expect(await page.getByRole('button', { name: new RegExp(`^(Copy|copied) ${name} as ${kind}$`) }).count(), name).toBe(1)
    }
    await page.context().close()
  })

  test('k3 a conflict is shown from all sides, decided or written anew, and kept for the audit', async () => {
    const at = '/v1/productions/evening/documents/scenes/intro'
    const clash = async (): Promise<void> => {
      const { revision } = (await stage.ask('PUT', at, { title: 'Begin', lines: ['one', 'two'] })) as { readonly revision: number }
      await stage.ask('PUT', at, { title: 'Late', lines: ['one', 'three'] })
      await stage.ask('PUT', `${at}?base=${revision}`, { title: 'Early', lines: ['one', 'two'] })
    }
    await clash()
    const page = await stage.window(await stage.browser(), 'evening')
    await page.getByRole('region', { name: 'Alerts' }).getByRole('button', { name: 'Decide' }).click()
    const conflict = page.getByRole('article', { name: 'Conflict in scenes/intro/title' })
    for (const [side, text] of [['Before', 'Begin'], ['The late edit', 'Early'], ['What stands', 'Late']] as const) {
      await conflict.getByRole('group', { name: side }).locator('mark').getByText(text).waitFor()
    }
    await conflict.getByRole('button', { name: 'Take the late edit', exact: true }).click()
    const decided = page.getByRole('region', { name: 'Decided conflicts' })
    await decided.getByText(/local by operator:/).waitFor()

    await clash()
    await conflict.getByRole('button', { name: 'Write another…' }).click()
    const value = conflict.getByRole('textbox', { name: 'Another value, as JSON' })
    await value.fill('"Both')
    await conflict.getByText('This is no JSON').waitFor()
    await value.fill('"Both"')
    await conflict.getByRole('button', { name: 'Take this' }).click()
    await decided.getByText(/merge by operator:/).waitFor()
    await page.getByText('No conflict is open.').waitFor()
    const { value: now } = (await stage.ask('GET', at)) as { readonly value: { readonly title: string } }
    expect(now.title).toBe('Both')
    await page.context().close()
  })

  test('l7 one key asks for an emergency stop, and the same key answers', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await readied(page)
    await start(page)
    await phase(page, 'live')
    const ask = page.getByRole('alertdialog', { name: 'Stop everything now?' })
    await page.keyboard.press('F9')
    await ask.waitFor()
    await page.keyboard.press('Escape')
    await ask.waitFor({ state: 'detached' })
    await phase(page, 'live')
    // It is there whatever is looked at: another view, an earlier revision.
    await page.getByRole('tab', { name: 'Raw JSON' }).click()
    await page.getByRole('button', { name: 'Time line' }).click()
    await page.getByRole('spinbutton', { name: 'Revision' }).fill('2')
    await page.getByText(/As it was at revision 2,/).first().waitFor()
    await page.keyboard.press('F9')
    await ask.waitFor()
    await page.keyboard.press('F9')
    await ask.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Back to now' }).click()
    await phase(page, 'idle')
    await page.context().close()
  })

  test('y4 a server that is killed and comes back: the page says so, keeps what it showed, and heals', async () => {
    const page = await stage.window(await stage.browser(), 'evening')
    await page.getByRole('switch', { name: 'Show logo' }).waitFor()
    await page.evaluate(() => {
      const seen = { empty: 0 }
      Object.assign(globalThis, { seen })
      const look = (): void => {
        const rows = document.querySelectorAll('[role=switch]').length
        const phases = document.querySelector('[aria-label=Phase]')?.textContent ?? ''
        if (rows === 0 || phases.includes('unknown')) seen.empty += 1
      }
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
    })
    await stage.kill()
    await page.getByText('The server is not there.').waitFor()
    expect(await button(page, 'Initialize').getAttribute('aria-disabled')).toBe('true')
    await page.getByText('not connected to the server').first().waitFor()
    await page.getByRole('switch', { name: 'Show logo' }).waitFor()
    await stage.start()
    await connected(page)
    await page.getByText('The server is not there.').waitFor({ state: 'detached' })
    await page.getByText('not connected to the server').first().waitFor({ state: 'detached' })
    expect(await page.evaluate(() => (globalThis as unknown as { readonly seen: { readonly empty: number } }).seen.empty), 'times that it was empty').toBe(0)
    await page.context().close()
  })
})

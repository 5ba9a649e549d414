// Copying: a command for a terminal, or any text, and that it was copied.

import { useEffect, useMemo, useState, type ReactNode } from 'react'

import { Commands, type Command } from './commands.js'
import { useMonitorClient, useView } from './view.js'

export function useCommands(): Commands | undefined {
  const client = useMonitorClient()
  const { authorized } = useView()
  return useMemo(() => client && new Commands(client, authorized), [client, authorized])
}

/** The clipboard, or where there is none (a page without TLS) a selection that the browser copies. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'onair-away'
    const host = document.querySelector('dialog[open]') ?? document.body
    host.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

interface CopyTextProps {
  readonly text: string | (() => string)
  /** What is copied, for who does not see the button in its place. */
  readonly of: string
  readonly children: ReactNode
}

export function CopyText({ text, of, children }: CopyTextProps): ReactNode {
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    if (said === undefined) return undefined
    const timer = setTimeout(() => setSaid(undefined), 2_000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = (): void => void copied(typeof text === 'function' ? text() : text).then((done) => setSaid(done ? 'copied' : 'not copied'))
  return (
    <button type="button" className="onair-ghost" aria-label={`${said === undefined ? 'Copy' : said} ${of}`} title={typeof text === 'string' ? text : undefined} onClick={copy}>
      {said === undefined ? children : said === 'copied' ? '✓' : '✕'}
    </button>
  )
}

export function CopyCommand({ command, of }: { readonly command: Command | undefined; readonly of: string }): ReactNode {
  if (!command) return null
  return (
    <span className="onair-copy">
      <CopyText text={command.cli} of={`${of} as CLI`}>CLI</CopyText>
      <CopyText text={command.curl} of={`${of} as curl`}>curl</CopyText>
    </span>
  )
}

// What a button does, as a line for a terminal. Everything in it is quoted: ids and values come from documents.

import type { ActionName, Client, Json } from '@onair/client'

export interface Command {
  readonly cli: string
  readonly curl: string
}

const PLAIN = /^[A-Za-z0-9_./:=@%+,~-]+$/

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function line(words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

/** Makes commands for one production; `authorized` adds who asks, from the environment. */
export class Commands {
  constructor(
    private readonly client: Client,
    private readonly authorized: boolean,
  ) {}

  action(name: ActionName, { sessionId, kind }: { readonly sessionId?: string; readonly kind?: string } = {}): Command {
    const params = { ...(sessionId && { sessionId }), ...(kind && { kind }) }
    const options = [...(sessionId ? ['--session', sessionId] : []), ...(kind ? ['--kind', kind] : []), ...(name === 'emergency-stop' ? ['--yes'] : [])]
    return { cli: this.#cli([name, ...options]), curl: this.#curl('POST', name, name === 'start' ? params : undefined) }
  }

  patch(collection: string, id: string, patch: Json): Command {
    return {
      cli: this.#cli(['patch', `${collection}/${id}`, JSON.stringify(patch)]),
      curl: this.#curl('PATCH', `documents/${collection}/${id}`, patch, 'application/merge-patch+json'),
    }
  }

  put(collection: string, id: string, value: Json): Command {
    return {
      cli: this.#cli(['put', `${collection}/${id}`, JSON.stringify(value)]),
      curl: this.#curl('PUT', `documents/${collection}/${id}`, value),
    }
  }

  resolve(id: string, choose: 'local' | 'server' | 'merge', value?: Json): Command {
    const merged = value === undefined ? [] : ['--value', JSON.stringify(value)]
    const body = { choose, ...(value !== undefined && { value }) }
    return { cli: this.#cli(['resolve', id, '--choose', choose, ...merged]), curl: this.#curl('POST', `conflicts/${id}/resolve`, body) }
  }

  check(): Command {
    return { cli: this.#cli(['check']), curl: this.#curl('POST', 'check') }
  }

  download(): Command {
    const { production } = this.client.http
    return { cli: this.#cli(['export', `${production}.ndjson`]), curl: `${this.#curl('GET', 'export')} -o ${quoted(`${production}.ndjson`)}` }
  }

  #cli(words: readonly string[]): string {
    const { url, production } = this.client.http
    const where = [...(url === 'http://127.0.0.1:4200' ? [] : ['--server', url]), ...(production === 'main' ? [] : ['--production', production])]
    return line(['onair', ...words, ...where])
  }

  #curl(method: string, path: string, body?: Json, type = 'application/json'): string {
    const { url, production } = this.client.http
    const words = ['curl', ...(method === 'GET' ? [] : ['-X', method]), ...(body === undefined ? [] : ['-H', `content-type: ${type}`, '-d', JSON.stringify(body)])]
    // The token itself is never put into a clipboard.
    const who = this.authorized ? ' -H "authorization: Bearer $ONAIR_TOKEN"' : ''
    return `${line(words)}${who} ${quoted(`${url}/v1/productions/${production}/${path}`)}`
  }
}

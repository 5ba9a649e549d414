// Where the pictures of a show are (contract, section 5). A server that has none says so, and so does the hook.

import { OnairError } from '@onair/client'
import { useCallback, useMemo } from 'react'

import { useOnair } from './provider.js'
import { remoteOf, useRemote, type Question } from './remote.js'

/** Which pictures. */
export interface PreviewOptions {
  /** Where frames are served over a WebSocket. */
  readonly port?: number
  readonly quality?: 'high' | 'medium' | 'low'
}

/** Where the pictures are, or why there are none. */
export type Preview = { refresh(): void } & (
  | { readonly status: 'checking' }
  /** `reason` is for a person. */
  | { readonly status: 'unavailable'; readonly reason: string }
  | {
      readonly status: 'available'
      /** A WebSocket of frames. */
      readonly socket: string
      /** One picture, and a stream of them as an `img` shows it. With tokens each needs a ticket. */
      readonly picture: string
      readonly stream: string
    }
)

const PORT = 4201

/** Whether there are pictures: asked at the one that is always there when any are. */
const PROBE: Question<true | string> = {
  async ask({ client: { http } }) {
    try {
      await http.ask(`/preview.jpg?production=${http.production}`, { method: 'HEAD' })
      return true
    } catch (error) {
      // A server without a preview answers like one that was asked for any other page it has not.
      if (error instanceof OnairError && error.status === 404) return 'this server has no preview'
      if (error instanceof OnairError && error.status === 503) return 'nobody renders a preview now'
      throw error
    }
  },
}

/** Whether there are pictures of the show, and where; asked of the server. */
export function usePreview({ port = PORT, quality = 'high' }: PreviewOptions = {}): Preview {
  const { source } = useOnair()
  const { data, loading, error } = useRemote('preview', PROBE)
  const refresh = useCallback(() => source && remoteOf(source, 'preview', PROBE).refresh(), [source])
  return useMemo(() => {
    if (data === undefined && error) return { status: 'unavailable', reason: error.message, refresh }
    if (!source || (data === undefined && loading)) return { status: 'checking', refresh }
    if (data !== true) return { status: 'unavailable', reason: data ?? 'the server has not said', refresh }
    const { url, production } = source.client.http
    const place = new URL(url)
    place.port = String(port)
    place.protocol = place.protocol.replace('http', 'ws')
    const of = `production=${production}`
    return {
      status: 'available',
      socket: `${place.origin === 'null' ? `${place.protocol}//${place.host}` : place.origin}/?${of}&quality=${quality}`,
      picture: `${url}/preview.jpg?${of}`,
      stream: `${url}/preview.mjpeg?${of}&quality=${quality}`,
      refresh,
    }
  }, [source, data, loading, error, port, quality, refresh])
}

// The text of an event stream, cut into events as it arrives (WHATWG HTML, section 9.2).

export interface StreamEvent {
  readonly event: string
  readonly id: string
  readonly data: string
}

export class EventReader {
  #rest = ''
  #event = ''
  #id = ''
  #data: string[] = []

  /** The events that are complete with this piece. */
  read(piece: string): StreamEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.#line(line))
  }

  #line(line: string): StreamEvent[] {
    if (line === '') {
      const events = this.#data.length > 0 ? [{ event: this.#event, id: this.#id, data: this.#data.join('\n') }] : []
      this.#event = ''
      this.#data = []
      return events
    }
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') this.#event = value
    else if (field === 'id') this.#id = value
    else if (field === 'data') this.#data.push(value)
    return []
  }
}

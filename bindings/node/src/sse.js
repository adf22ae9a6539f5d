// Server-sent events, as the HTML standard reads them; only the fields that a tracking-httpd sends.

/** Splits text that comes in pieces into frames: {event, id, data}. */
export class SseParser {
  #rest = '';
  #frame = {};

  /** The frames that the piece completes. A frame without data but with an id moves the position on. */
  push(piece) {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop();
    const frames = [];
    for (const line of lines) {
      if (line === '' || line === '\r') {
        if (this.#frame.id !== undefined || this.#frame.data !== undefined) frames.push(this.#frame);
        this.#frame = {};
      } else {
        this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
      }
    }
    return frames;
  }

  #take(line) {
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#frame.data = this.#frame.data === undefined ? value : `${this.#frame.data}\n${value}`;
    if (field === 'id' || field === 'event') this.#frame[field] = value;
  }
}

// The reading door: GET /v1/events as server-sent events, read only as fast as its reader asks, and opened again where
// it was when it ends.
import { Event, Gap } from './data.js';
import { errorOf, errorOfAnswer, TrackingError } from './errors.js';
import { AccountFilter } from './filter.js';
import { SseParser } from './sse.js';

const pauseMsMin = 100;
const pauseMsMax = 2000;
const positionTimeoutMs = 2000;

/** Subscribes; the stream is opened by the first next(), or by ready(). */
export function subscribe(url, options) {
  return new Subscriber(url, options);
}

export class Subscriber {
  #url;
  #filter;
  #start; // parameters until there is a cursor
  #follow;
  #left; // events until `limit`
  #retry;
  #idleTimeoutMs;
  #cursor; // of the last delivery handed over, or the position at which the stream began
  #received; // of the last frame received
  #queue = []; // received, not handed over: what one piece of the stream held
  #stream; // what is open: {reader, parser, decoder, abort}
  #pauseMs = 0;
  #isClosed = false;
  #isEnded = false;
  #changed = Promise.resolve(); // when all changes of the filter that were asked for are made
  #wakeUp = () => {};

  constructor(url, {
    accountIds = [], since, tail, limit, follow = true, retry = true, idleTimeoutMs = 35_000,
  } = {}) {
    this.#url = new URL('/v1/events', url);
    this.#filter = new AccountFilter(accountIds);
    this.#start = { since, tail };
    this.#follow = follow;
    this.#left = limit ?? Infinity;
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
      throw errorOf('invalid-parameter', 'limit must be a number of events, at least 1');
    }
    this.#retry = retry;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Where to resume: behind the last event or gap handed over. Undefined before the stream was open once. */
  get cursor() {
    return this.#cursor;
  }

  /** Waits until the stream is open: every event accepted after that is delivered, or told as a gap. */
  async ready() {
    while (!this.#isClosed && this.#cursor === undefined) await this.#receive();
  }

  /** The next Event or Gap; undefined at the end: of history, of `limit`, or after close(). */
  async next() {
    for (;;) {
      if (this.#isClosed) return undefined;
      const delivery = this.#take();
      if (delivery) return delivery;
      if (this.#isEnded) return undefined;
      await this.#receive();
    }
  }

  async* [Symbol.asyncIterator]() {
    try {
      for (let delivery = await this.next(); delivery; delivery = await this.next()) yield delivery;
    } finally {
      this.close(); // the reader left its loop
    }
  }

  /** Changes the filter while it runs; none = every account. No event of an account that stays is lost or repeated. */
  async setAccounts(accountIds = []) {
    const ids = [...accountIds];
    const changed = this.#changed.then(() => this.#change(ids)); // one after the other, so that the last one holds
    this.#changed = changed.catch(() => {});
    await changed;
  }

  async #change(ids) {
    let position;
    if (this.#stream && this.#filter.adds(ids)) position = await this.#askPosition();
    this.#filter.change(ids, position);
    this.#drop();
    this.#wakeUp();
  }

  /** Ends it; next() then says undefined. */
  close() {
    this.#isClosed = true;
    this.#drop();
    this.#wakeUp();
  }

  #take() {
    while (this.#queue.length > 0) {
      const delivery = this.#queue.shift();
      const isEvent = delivery instanceof Event;
      if (isEvent && !this.#filter.wants(delivery)) continue;
      if (isEvent && --this.#left === 0) {
        this.#isEnded = true;
        this.#queue = [];
        this.#drop();
      }
      this.#cursor = delivery.cursor ?? this.#cursor;
      return delivery;
    }
    if (!this.#isEnded) this.#cursor = this.#received ?? this.#cursor; // heartbeats move the position on
    return undefined;
  }

  // Opens the stream if it is not, and takes one piece of it into the queue. What ends the stream leads to the next try.
  async #receive() {
    let stream;
    try {
      stream = this.#stream ??= await this.#open();
      if (!stream) return;
      const { value, done } = await withTimeout(stream.reader.read(), this.#idleTimeoutMs, stream.abort);
      if (stream !== this.#stream) return; // dropped meanwhile, by close() or setAccounts()
      if (done && !this.#follow) this.#isEnded = true;
      if (done) throw new Error('the server ended the stream');
      for (const frame of stream.parser.push(stream.decoder.decode(value, { stream: true }))) this.#accept(frame);
    } catch (error) {
      if (stream && stream !== this.#stream) return;
      await this.#recover(error);
    }
  }

  #accept({ event, id, data }) {
    if (id !== undefined) this.#received = id;
    this.#cursor ??= id; // it opens with its position
    if (data === undefined) return;
    if (event === undefined) this.#queue.push(new Event(data, id));
    if (event === 'gap') this.#queue.push(new Gap(data, id));
  }

  async #open() {
    const abort = new AbortController();
    let wasDropped = false;
    this.#wakeUp = () => {
      wasDropped = true;
      abort.abort();
    };
    try {
      const response = await withTimeout(
        fetch(this.#request(), { headers: { Accept: 'text/event-stream' }, signal: abort.signal }),
        this.#idleTimeoutMs, abort);
      if (response.status !== 200) throw await errorOfAnswer(response);
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw errorOf('could-not-connect', `no tracking server answers at ${this.#url.origin}`);
      }
      return {
        reader: response.body.getReader(), parser: new SseParser(), decoder: new TextDecoder(), abort,
        openedMs: performance.now(),
      };
    } catch (error) {
      if (wasDropped) return undefined;
      throw error;
    } finally {
      this.#wakeUp = () => {};
    }
  }

  // `since` rather than the header Last-Event-ID: in a browser that needs no preflight.
  #request() {
    const url = new URL(this.#url);
    const set = (name, value) => value !== undefined && url.searchParams.set(name, value);
    if (this.#filter.ids.length > 0) set('account_id', this.#filter.ids.join(','));
    if (this.#received !== undefined) set('since', this.#received);
    else Object.entries(this.#start).forEach(([name, value]) => set(name, value));
    if (!this.#follow) set('follow', 'false');
    return url;
  }

  async #recover(error) {
    const hasLived = this.#stream && performance.now() - this.#stream.openedMs > pauseMsMax;
    this.#drop();
    if (this.#isClosed || this.#isEnded) return;
    const isFinal = error instanceof TrackingError && error.status < 500 && error.status !== 429;
    if (isFinal || error.code === 'could-not-connect') {
      this.#isEnded = true;
      throw error;
    }
    if (!this.#retry) {
      this.#isEnded = true;
      throw errorOf('could-not-connect', `the stream ended: ${error?.cause?.message || error?.message}`, { cause: error });
    }
    this.#pauseMs = hasLived ? 0 : Math.min(pauseMsMax, Math.max(pauseMsMin, this.#pauseMs * 2));
    if (this.#pauseMs > 0) await this.#pause();
  }

  // Half of it is chance, so that many clients do not come back at one moment.
  async #pause() {
    const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = () => {};
  }

  #drop() {
    const stream = this.#stream;
    this.#stream = undefined;
    if (!stream) return;
    stream.abort.abort();
    stream.reader.cancel().catch(() => {}); // it was aborted: that is what it says
  }

  async #askPosition() {
    const abort = new AbortController();
    const url = new URL(this.#url);
    url.searchParams.set('follow', 'false');
    try {
      const response = await withTimeout(
        fetch(url, { headers: { Accept: 'text/event-stream' }, signal: abort.signal }), positionTimeoutMs, abort);
      const text = await withTimeout(response.text(), positionTimeoutMs, abort);
      return new SseParser().push(text).find(({ id }) => id !== undefined)?.id;
    } catch {
      return undefined; // then the clock must say what is new
    }
  }
}

/** The promise's outcome; after timeoutMs it is aborted. */
async function withTimeout(promise, timeoutMs, abort) {
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

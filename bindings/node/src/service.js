// The writing door: POST /v1/events.
import { eventText, newId } from './data.js';
import { errorOf, errorOfAnswer, errorOfSilence, TrackingError } from './errors.js';

// The server takes 10,000 events and 8 MiB at once; smaller requests answer sooner.
const batchEventsMax = 5000;
const batchCharactersMax = 1 << 20; // at most 3 MiB of UTF-8

const ackLevels = new Set([undefined, 'sent', 'stored']);

/** Opens the door at a distance; nothing is sent before the first event. */
export function connect(url, options) {
  return new Service(url, options);
}

export class Service {
  #url;
  #ack;
  #timeoutMs;
  #closing = new AbortController();

  constructor(url, { ack, timeoutMs = 30_000 } = {}) {
    this.#url = new URL('/v1/events', url).href;
    this.#ack = ack;
    this.#timeoutMs = timeoutMs;
  }

  /** Tracks one event; throws an error whose class says what can be done if it was not accepted. */
  async track(accountId, data, { id = newId(), occurredAt, ack } = {}) {
    const text = eventText({ accountId, data, id, occurredAt });
    try {
      const response = await this.#post(text, ack);
      if (response.status === 202) return receiptOf(await response.json());
      throw await errorOfAnswer(response);
    } catch (error) {
      const told = error instanceof TrackingError ? error : errorOfSilence(error);
      if (told.code === 'in-doubt') told.id = id;
      throw told;
    }
  }

  /** Tracks events together, in their order, and returns a receipt for each: `code` says what became of it. */
  async trackBatch(events, { ack } = {}) {
    const receipts = [];
    const texts = []; // of good events, with the receipt that each will fill
    for (const { accountId, data, id = newId(), occurredAt } of events) {
      const receipt = { code: 'in-doubt', id };
      receipts.push(receipt);
      try {
        texts.push({ receipt, text: eventText({ accountId, data, id, occurredAt }) });
      } catch (error) {
        Object.assign(receipt, { code: error.code, detail: error.message, id: undefined });
      }
    }
    let failure;
    for (const chunk of chunksOf(texts)) failure = failure ? fail(chunk, failure) : await this.#send(chunk, ack);
    return receipts;
  }

  /** Ends what is under way, in doubt, and takes no more events. */
  close() {
    this.#closing.abort();
  }

  // Returns the error that ended the chunk, if the next ones should not be tried.
  async #send(chunk, ack) {
    try {
      const response = await this.#post(`[${chunk.map(({ text }) => text).join(',')}]`, ack);
      const report = await reportOf(response);
      if (!report) throw await errorOfAnswer(response);
      return fill(chunk, report);
    } catch (error) {
      return fail(chunk, error instanceof TrackingError ? error : errorOfSilence(error));
    }
  }

  async #post(body, ack = this.#ack) {
    if (this.#closing.signal.aborted) throw errorOf('closed', 'the service is closed');
    if (!ackLevels.has(ack)) throw errorOf('invalid-parameter', 'ack is "sent" or "stored"');
    const timeout = new AbortController();
    const abort = () => timeout.abort();
    const timer = setTimeout(abort, this.#timeoutMs);
    this.#closing.signal.addEventListener('abort', abort);
    try {
      const response = await fetch(ack ? `${this.#url}?ack=${ack}` : this.#url, {
        method: 'POST', body, headers: { 'Content-Type': 'application/json' }, signal: timeout.signal,
      });
      // The body is read here, so that the time-out covers it.
      const text = await response.text();
      return {
        ok: response.ok, status: response.status, text: async () => text, json: async () => JSON.parse(text),
      };
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', abort);
    }
  }
}

function receiptOf({ id, timestamp, ack, duplicate }) {
  return { code: 'ok', id, timestamp, ack, duplicate: duplicate === true };
}

/** A batch's report, or nothing if it is a problem document, or no answer of ours. */
async function reportOf(response) {
  try {
    const report = await response.json();
    return Array.isArray(report.rejected) ? report : undefined;
  } catch {
    return undefined;
  }
}

function* chunksOf(texts) {
  let chunk = [];
  let characters = 0;
  for (const one of texts) {
    if (chunk.length === batchEventsMax || (chunk.length > 0 && characters + one.text.length > batchCharactersMax)) {
      yield chunk;
      chunk = [];
      characters = 0;
    }
    chunk.push(one);
    characters += one.text.length;
  }
  if (chunk.length > 0) yield chunk;
}

function fail(chunk, error) {
  for (const { receipt } of chunk) {
    receipt.code = error.code;
    receipt.detail = error.message;
    if (error.code !== 'in-doubt') receipt.id = undefined;
  }
  return error;
}

// The report of an array names the events that were refused, and where it stopped; all others were accepted.
function fill(chunk, report) {
  const duplicate = report.duplicates > 0 && report.duplicates === report.accepted; // of some, it is not said which
  for (const { receipt } of chunk) Object.assign(receipt, { code: 'ok', ack: report.ack, duplicate });
  for (const { index, type, detail } of report.rejected) {
    Object.assign(chunk[index].receipt, { code: type, detail, id: undefined, ack: undefined, duplicate: undefined });
  }
  if (report.stopped_at === undefined) return undefined;
  const rest = chunk.slice(report.stopped_at);
  for (const { receipt } of rest) receipt.ack = receipt.duplicate = undefined;
  return fail(rest, errorOf(report.type, report.detail ?? 'the batch was stopped here'));
}

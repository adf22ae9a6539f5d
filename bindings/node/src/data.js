// What goes in and comes out. Account ids are numbers as far as those are exact (2^53), beyond it BigInts.
import { errorOf } from './errors.js';

// Node has it as a global since 19.
const crypto = globalThis.crypto ?? (await import('node:crypto')).webcrypto;

/** Data that is JSON text already: it reaches subscribers byte for byte. */
export class Json {
  constructor(text) {
    this.text = String(text);
  }
}

const accountIdMax = 2n ** 63n - 1n;
const idForm = /^[A-Za-z0-9._:-]{1,64}$/;

function accountText(accountId) {
  const isInteger = typeof accountId === 'bigint' || Number.isSafeInteger(accountId);
  if (!isInteger || BigInt(accountId) < 1n || BigInt(accountId) > accountIdMax) {
    throw errorOf('invalid-event', 'accountId must be an integer from 1 to 9223372036854775807; beyond 2^53 a BigInt');
  }
  return String(accountId);
}

function dataText(data) {
  if (!(data instanceof Json)) {
    return written(data);
  }
  try {
    JSON.parse(data.text); // a text that is more than one value must not become members of the event
  } catch (cause) {
    throw errorOf('malformed-json', `data is not valid JSON: ${cause.message}`, { cause });
  }
  return data.text;
}

function written(data) {
  let text;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw errorOf('malformed-json', `data cannot be written as JSON: ${cause.message}`, { cause });
  }
  if (text === undefined) throw errorOf('malformed-json', `data of type ${typeof data} cannot be written as JSON`);
  return text;
}

function timeText(occurredAt) {
  if (!(occurredAt instanceof Date)) return String(occurredAt);
  if (Number.isNaN(occurredAt.getTime())) throw errorOf('invalid-event', 'occurredAt is no date');
  return occurredAt.toISOString();
}

/** The event as the server takes it. It always has an id, so that it can be repeated without doubling. */
export function eventText({ accountId, data, id, occurredAt }) {
  if (!idForm.test(id)) throw errorOf('invalid-event', 'id must be 1 to 64 characters of [A-Za-z0-9._:-]');
  const occurred = occurredAt === undefined ? '' : `"occurred_at":${JSON.stringify(timeText(occurredAt))},`;
  return `{"account_id":${accountText(accountId)},"id":"${id}",${occurred}"data":${dataText(data)}}`;
}

/** A UUIDv7 (RFC 9562). */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = Date.now();
  for (let i = 0; i < 6; ++i) bytes[i] = Math.floor(time / 2 ** (40 - 8 * i)) & 0xff;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function exactInteger(digits) {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** An event. It is read from its line when a member is asked for. */
export class Event {
  #members;
  #dataStart;

  constructor(line, cursor) {
    this.json = line;
    this.cursor = cursor;
  }

  // `data` is the last member. What stands before it is an object by itself, which no text inside of a string can be.
  #read() {
    if (this.#members) return this.#members;
    for (let at = this.json.indexOf(',"data":'); at >= 0; at = this.json.indexOf(',"data":', at + 1)) {
      const head = `${this.json.slice(0, at)}}`;
      try {
        this.#members = JSON.parse(head);
      } catch {
        continue;
      }
      const digits = /"account_id":(\d+)/.exec(head);
      this.#members.account_id = exactInteger(digits[1]); // JSON.parse rounds beyond 2^53
      this.#dataStart = at + ',"data":'.length;
      return this.#members;
    }
    throw errorOf('internal', 'the server sent a line that is no event');
  }

  get id() { return this.#read().id; }
  get accountId() { return this.#read().account_id; }
  /** RFC 3339 with microseconds, which a Date cannot hold. */
  get timestamp() { return this.#read().timestamp; }
  get occurredAt() { return this.#read().occurred_at; }
  get producer() { return this.#read().producer; }
  get sequence() { return this.#read().sequence; }
  get data() { return JSON.parse(this.dataJson); }
  /** `data` as it was sent: numbers with all their digits, members in their order. */
  get dataJson() {
    this.#read();
    return this.json.slice(this.#dataStart, -1);
  }
}

/** Events were missed here. */
export class Gap {
  constructor(text, cursor) {
    const { reason, missed, account_id: accountId } = JSON.parse(text);
    this.json = `{"gap":${text}}`;
    this.cursor = cursor;
    this.reason = reason;
    this.missed = missed;
    this.accountId = accountId === undefined ? undefined : exactInteger(/"account_id":(\d+)/.exec(text)[1]);
  }
}

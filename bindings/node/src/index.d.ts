/** Both doors of a tracking-httpd, over HTTP and server-sent events. For Node 18 and newer, and browsers. */

/** A number as far as numbers are exact (2^53), beyond it a BigInt. */
export type AccountId = number | bigint;
export type AckLevel = 'sent' | 'stored';
/** The name that the server gives as `type`; newer servers may give others. */
export type Code = 'ok' | 'malformed-json' | 'invalid-event' | 'unknown-account' | 'inactive-account' | 'too-large'
  | 'broker-unavailable' | 'accounts-unavailable' | 'overloaded' | 'in-doubt' | 'closed' | (string & {});

/** Data that is JSON text already: it reaches subscribers byte for byte. */
export class Json {
  constructor(text: string);
  readonly text: string;
}

export interface TrackOptions {
  /** One's own, [A-Za-z0-9._:-]{1,64}: (accountId, id) is accepted once. Without it a UUIDv7 is made. */
  id?: string;
  /** A Date, or an RFC 3339 date-time. */
  occurredAt?: Date | string;
  ack?: AckLevel;
}

export interface EventInput {
  accountId: AccountId;
  /** Any value that JSON can say, or a Json. */
  data: unknown;
  id?: string;
  occurredAt?: Date | string;
}

export interface Receipt {
  code: Code;
  /** If code is ok or in-doubt. */
  id?: string;
  /** RFC 3339 with microseconds. The answer to a batch does not tell it. */
  timestamp?: string;
  ack?: AckLevel;
  duplicate?: boolean;
  /** Why it was not accepted. */
  detail?: string;
}

export interface ServiceOptions {
  /** The level asked for if a call names none; the server's default otherwise. */
  ack?: AckLevel;
  /** How long an answer may take (30,000). */
  timeoutMs?: number;
}

/** The writing door. */
export class Service {
  constructor(url: string | URL, options?: ServiceOptions);
  /** Tracks one event. Rejects with an error whose class says what can be done if it was not accepted. */
  track(accountId: AccountId, data: unknown, options?: TrackOptions): Promise<Receipt>;
  /** Tracks events together, in their order; a receipt for each, whatever became of it. */
  trackBatch(events: Iterable<EventInput>, options?: { ack?: AckLevel }): Promise<Receipt[]>;
  /** Ends what is under way, in doubt, and takes no more events. */
  close(): void;
}

export function connect(url: string | URL, options?: ServiceOptions): Service;

export class Event {
  constructor(line: string, cursor?: string);
  /** The event's line, as it is everywhere. */
  readonly json: string;
  /** Where to resume behind it: the option `since`. */
  readonly cursor?: string;
  readonly id: string;
  readonly accountId: AccountId;
  /** When the service accepted it: RFC 3339 with microseconds. */
  readonly timestamp: string;
  readonly occurredAt?: string;
  readonly producer?: string;
  readonly sequence?: number;
  /** The value; numbers as exact as JavaScript's are. */
  readonly data: any;
  /** The value's JSON text as it was sent. */
  readonly dataJson: string;
}

/** Events were missed here. */
export class Gap {
  constructor(text: string, cursor?: string);
  readonly json: string;
  readonly cursor?: string;
  /** slow-subscriber, expired, unknown-cursor, disconnected, sequence, corrupt, or another. */
  readonly reason: string;
  /** How many, if known. */
  readonly missed?: number;
  /** If a single account is meant. */
  readonly accountId?: AccountId;
}

export interface SubscribeOptions {
  /** None = every account. */
  accountIds?: Iterable<AccountId>;
  /** now (default), all, a cursor, an RFC 3339 time, or a duration back such as 10m. */
  since?: string;
  /** Start so many events back. */
  tail?: number;
  /** End after so many events. */
  limit?: number;
  /** False: end at the end of history. */
  follow?: boolean;
  /** False: the first connection that fails, or is lost, ends it with could-not-connect. */
  retry?: boolean;
  /** A stream that is silent for longer counts as lost (35,000; the server gives a sign of life every 15 s). */
  idleTimeoutMs?: number;
}

/** The reading door. It reads the stream only as fast as next() is called: a slow reader is told by a gap what it missed. */
export class Subscriber implements AsyncIterable<Event | Gap> {
  constructor(url: string | URL, options?: SubscribeOptions);
  readonly cursor: string | undefined;
  ready(): Promise<void>;
  /** The next one; undefined at the end. Called again only when the last call is done. */
  next(): Promise<Event | Gap | undefined>;
  setAccounts(accountIds?: Iterable<AccountId>): Promise<void>;
  close(): void;
  [Symbol.asyncIterator](): AsyncGenerator<Event | Gap, void, undefined>;
}

export function subscribe(url: string | URL, options?: SubscribeOptions): Subscriber;

export class TrackingError extends Error {
  readonly code: Code;
  /** Of the answer, if there was one. */
  readonly status?: number;
  /** Of the event, if it is in doubt. */
  readonly id?: string;
}
/** The event itself is at fault; repeating it changes nothing. */
export class RefusedError extends TrackingError {}
export class UnknownAccountError extends RefusedError {}
export class InactiveAccountError extends RefusedError {}
/** Nothing was accepted and it may pass: the same call may safely be repeated. */
export class UnavailableError extends TrackingError {}
/** It may have been stored. A repeat with the same `id` doubles nothing. */
export class InDoubtError extends TrackingError {}
/** The service was closed. */
export class ClosedError extends TrackingError {}

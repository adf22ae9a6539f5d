// What can go wrong, by what can be done about it. `code` is the name that the server gives as `type`.

export class TrackingError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The event itself is at fault; repeating it changes nothing. */
export class RefusedError extends TrackingError {}
export class UnknownAccountError extends RefusedError {}
export class InactiveAccountError extends RefusedError {}
/** Nothing was accepted and it may pass: the same call may safely be repeated. */
export class UnavailableError extends TrackingError {}
/** It may have been stored. A repeat with the same `id` doubles nothing. */
export class InDoubtError extends TrackingError {}
/** The service or the subscriber was closed. */
export class ClosedError extends TrackingError {}

const classes = {
  'malformed-json': RefusedError,
  'invalid-event': RefusedError,
  'too-large': RefusedError,
  'unknown-account': UnknownAccountError,
  'inactive-account': InactiveAccountError,
  'broker-unavailable': UnavailableError,
  'accounts-unavailable': UnavailableError,
  'overloaded': UnavailableError,
  'in-doubt': InDoubtError,
  'closed': ClosedError,
};

export function errorOf(code, message, options) {
  return new (classes[code] ?? TrackingError)(code, message, options);
}

// The connection was never made, so nothing was sent (Node's names; browsers do not tell).
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** What a request that got no answer means for its events. */
export function errorOfSilence(cause) {
  const reasons = [cause?.cause, ...(cause?.cause?.errors ?? [])].map((reason) => reason?.code);
  const message = `the server did not answer: ${cause?.cause?.message || cause?.message || cause}`;
  return errorOf(reasons.some((code) => neverSent.has(code)) ? 'broker-unavailable' : 'in-doubt', message, { cause });
}

/** The error of an answer that is a problem document (RFC 9457), or is none of ours. */
export async function errorOfAnswer(response) {
  const text = await response.text();
  try {
    const problem = JSON.parse(text);
    if (typeof problem.type === 'string') {
      return Object.assign(errorOf(problem.type, problem.detail ?? problem.title), { status: response.status });
    }
  } catch {
    // Somebody else answered, such as a proxy.
  }
  const code = response.ok ? 'in-doubt' : response.status >= 500 ? 'broker-unavailable' : 'bad-request';
  return Object.assign(errorOf(code, `unexpected answer ${response.status}`), { status: response.status });
}

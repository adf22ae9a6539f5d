// Which accounts are wanted, and from where on, while that changes. A stream is opened again at a position before the
// change: accounts that stay go on from there, and those that were added must not begin before the change.

/** What of a cursor can be compared: `c_` and 36 bytes, of which the first is a version. Nothing if it is none of ours. */
function readCursor(cursor) {
  if (!/^c_[A-Za-z0-9_-]{48}$/.test(cursor ?? '')) return undefined;
  const binary = atob(cursor.slice(2).replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (bytes[0] !== 1) return undefined;
  const view = new DataView(bytes.buffer);
  return { incarnation: view.getBigUint64(1), position: view.getBigUint64(9) };
}

/** Compared as text: with as many digits, the order of times. */
function now() {
  return new Date().toISOString().replace('Z', '000Z');
}

export class AccountFilter {
  #ids; // as text; empty = every account
  #marks = new Map(); // of accounts that were added
  #others; // the mark of all accounts that are not in #marks, after a filter was lifted

  constructor(accountIds = []) {
    this.#ids = new Set(Array.from(accountIds, String));
  }

  get ids() {
    return [...this.#ids];
  }

  adds(accountIds) {
    return this.#ids.size > 0 && (accountIds.length === 0 || accountIds.some((id) => !this.#ids.has(String(id))));
  }

  /** Accounts that the change adds begin behind `cursor`, the server's position now, or if that is not known by time. */
  change(accountIds, cursor) {
    const mark = { after: readCursor(cursor), from: now() };
    const ids = new Set(Array.from(accountIds, String));
    const had = (id) => this.#ids.size === 0 || this.#ids.has(id);
    const markOf = (id) => (this.#marks.has(id) ? this.#marks.get(id) : this.#others);
    if (ids.size > 0) {
      this.#marks = new Map([...ids].map((id) => [id, had(id) ? markOf(id) : mark]));
      this.#others = undefined;
    } else if (this.#ids.size > 0) {
      this.#marks = new Map([...this.#ids].map((id) => [id, markOf(id)]));
      this.#others = mark;
    }
    this.#ids = ids;
  }

  wants(event) {
    const id = String(event.accountId);
    if (this.#ids.size > 0 && !this.#ids.has(id)) return false;
    const mark = this.#marks.has(id) ? this.#marks.get(id) : this.#others;
    if (!mark) return true;
    const at = mark.after && readCursor(event.cursor);
    if (at && at.incarnation === mark.after.incarnation) return at.position > mark.after.position;
    return event.timestamp >= mark.from;
  }
}

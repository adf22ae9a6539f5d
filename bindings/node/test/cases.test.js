// The table of cases that all bindings share (bindings/README.md).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connect, Gap, Json, subscribe } from '../src/index.js';
import { startDaemon } from '../support/daemon.js';

const text = readFileSync(new URL('../../cases.json', import.meta.url), 'utf8');
const cases = JSON.parse(text.replace(/"account_id": (\d{16,})/g, '"account_id": "$1n"')); // beyond 2^53

const idOf = (accountId) => (typeof accountId === 'string' ? BigInt(accountId.slice(0, -1)) : accountId);

async function outcome(service, { account_id: accountId, data, id, occurred_at: occurredAt }) {
  try {
    const receipt = await service.track(idOf(accountId), new Json(data), { id, occurredAt });
    return { code: receipt.code, duplicate: receipt.duplicate };
  } catch (error) {
    return { code: error.code, duplicate: false };
  }
}

function optionsOf({ account_id: accountId, since, tail, limit, follow }) {
  const number = (digits) => (digits === undefined ? undefined : Number(digits));
  return {
    accountIds: accountId === undefined ? [] : [Number(accountId)], since, tail: number(tail), limit: number(limit),
    follow: follow !== 'false',
  };
}

async function read(subscriber, count) {
  const deliveries = [];
  while (deliveries.length < count) {
    const one = await subscriber.next();
    deliveries.push(one instanceof Gap ? JSON.parse(one.json) : [one.accountId, one.dataJson]);
  }
  return deliveries;
}

async function trackAll(service, events) {
  for (const [accountId, data] of events) await service.track(accountId, new Json(data));
}

test('track', async (t) => {
  const { url } = await startDaemon(t);
  const service = connect(url);
  const subscriber = subscribe(url, { since: 'all' });
  const expected = [];
  for (const one of cases.track) {
    assert.deepEqual(await outcome(service, one), { code: one.code, duplicate: one.duplicate ?? false }, one.name);
    if (one.code === 'ok' && !one.duplicate) expected.push(one);
  }
  for (const one of expected) {
    const event = await subscriber.next();
    assert.deepEqual([event.accountId, event.dataJson], [one.account_id, one.delivered ?? one.data], one.name);
    if (one.id) assert.equal(event.id, one.id);
    assert.equal(event.occurredAt, one.occurred_at, one.name);
  }
  subscriber.close();
});

for (const { name, events, codes } of cases.batches) {
  test(`batch: ${name}`, async (t) => {
    const { url } = await startDaemon(t);
    const receipts = await connect(url).trackBatch(events.map(({ account_id: accountId, data }) => ({ accountId, data })));
    assert.deepEqual(receipts.map(({ code }) => code), codes);
  });
}

for (const { name, settings, code } of cases.subscriptions) {
  test(`wrong subscription: ${name}`, async (t) => {
    const { url } = await startDaemon(t);
    await assert.rejects(async () => subscribe(url, optionsOf(settings)).next(), { code });
  });
}

for (const one of cases.streams) {
  test(`stream: ${one.name}`, async (t) => {
    const { url } = await startDaemon(t);
    const service = connect(url);
    await trackAll(service, one.before);
    const options = optionsOf(one.settings);
    if (one.since_cursor_of !== undefined) {
      const earlier = subscribe(url, { since: 'all' });
      for (let i = 0; i <= one.since_cursor_of; ++i) options.since = (await earlier.next()).cursor;
      earlier.close();
    }
    const subscriber = subscribe(url, options);
    await subscriber.ready();
    await trackAll(service, one.after ?? []);
    assert.deepEqual(await read(subscriber, one.expected.length), one.expected);
    if (one.accounts) {
      await subscriber.setAccounts(one.accounts);
      await trackAll(service, one.later);
      assert.deepEqual(await read(subscriber, one.expected_later.length), one.expected_later);
    }
    if (one.ends) assert.equal(await subscriber.next(), undefined);
    subscriber.close();
  });
}

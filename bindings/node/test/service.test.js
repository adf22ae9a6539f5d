// The writing door.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import {
  ClosedError, connect, InactiveAccountError, InDoubtError, Json, RefusedError, subscribe, UnavailableError, UnknownAccountError,
} from '../src/index.js';
import { nobodysUrl, startDaemon } from '../support/daemon.js';

/** A server that answers as the test says. */
async function startServer(t, answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => {
    server.closeAllConnections?.();
    server.close(resolve);
  }));
  return `http://127.0.0.1:${server.address().port}`;
}

test('an event gets a receipt', async (t) => {
  const { url } = await startDaemon(t);
  const receipt = await connect(url).track(1, { page: '/' }, { id: 'mine', occurredAt: new Date() });
  assert.deepEqual({ ...receipt, timestamp: undefined },
    { code: 'ok', id: 'mine', ack: 'sent', duplicate: false, timestamp: undefined });
  assert.match(receipt.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test('errors say what can be done', async (t) => {
  const { url } = await startDaemon(t);
  const service = connect(url);
  await assert.rejects(service.track(7, 1), UnknownAccountError);
  await assert.rejects(service.track(2, 1), InactiveAccountError);
  await assert.rejects(service.track(1, new Json('{')), RefusedError);
  await assert.rejects(service.track(1, undefined), { code: 'malformed-json' });
  await assert.rejects(service.track(1, 1n), { code: 'malformed-json' });
  await assert.rejects(service.track(1.5, 1), { code: 'invalid-event' });
  await assert.rejects(service.track(1, 1, { occurredAt: new Date(NaN) }), { code: 'invalid-event' });
  await assert.rejects(service.track(1, 1, { ack: 'stored' }), { code: 'ack-unavailable', status: 400 });
});

test('JSON text cannot add members to the event', async (t) => {
  const { url } = await startDaemon(t);
  await assert.rejects(connect(url).track(1, new Json('1,"account_id":3')), { code: 'malformed-json' });
});

test('a large batch goes in several requests, in order', async (t) => {
  const { url } = await startDaemon(t);
  const events = Array.from({ length: 12_000 }, (_, n) => ({ accountId: n === 6000 ? 2 : 1, data: n }));
  const receipts = await connect(url).trackBatch(events);
  assert.equal(receipts.filter(({ code }) => code === 'ok').length, 11_999);
  assert.deepEqual([receipts[6000].code, receipts[6000].id], ['inactive-account', undefined]);
  let expected = 0;
  for await (const event of subscribe(url, { since: 'all', follow: false })) {
    if (expected === 6000) expected += 1;
    assert.equal(event.data, expected++);
  }
  assert.equal(expected, 12_000);
});

test('a batch stops at a failure that may pass', async (t) => {
  const url = await startServer(t, (request, response) => {
    request.resume().on('end', () => response.writeHead(202, { 'Content-Type': 'application/json' }).end(JSON.stringify(
      { accepted: 1, rejected: [], ack: 'sent', stopped_at: 1, type: 'overloaded' })));
  });
  const receipts = await connect(url).trackBatch([1, 2, 3].map((data) => ({ accountId: 1, data })));
  assert.deepEqual(receipts.map(({ code }) => code), ['ok', 'overloaded', 'overloaded']);
});

test('without a server nothing was accepted', async (t) => {
  const service = connect(await nobodysUrl());
  await assert.rejects(service.track(1, 1), UnavailableError);
  assert.deepEqual((await service.trackBatch([{ accountId: 1, data: 1 }])).map(({ code }) => code), ['broker-unavailable']);
});

test('an answer that does not come leaves the event in doubt, with the id to repeat it', async (t) => {
  const cut = await startServer(t, (request) => request.socket.destroy());
  await assert.rejects(connect(cut).track(1, 1, { id: 'again' }), (error) => error instanceof InDoubtError && error.id === 'again');
  const silent = await startServer(t, () => {});
  const receipts = await connect(silent, { timeoutMs: 50 }).trackBatch([{ accountId: 1, data: 1 }]);
  assert.equal(receipts[0].code, 'in-doubt');
  assert.match(receipts[0].id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a closed service says so', async () => {
  const service = connect(await nobodysUrl());
  service.close();
  await assert.rejects(service.track(1, 1), ClosedError);
});

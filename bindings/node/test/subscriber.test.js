// The reading door.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as api from '../src/index.js';
import { connect, Event, Gap, Json, subscribe } from '../src/index.js';
import { SseParser } from '../src/sse.js';
import { freeAddress, nobodysUrl, startDaemon } from '../support/daemon.js';

test('an event has all its members', async (t) => {
  const { url } = await startDaemon(t);
  const subscriber = subscribe(url, { accountIds: [1] });
  await subscriber.ready();
  const receipt = await connect(url).track(1, { n: [1, null] }, { id: 'mine', occurredAt: '2026-01-02T00:00:00Z' });
  const event = await subscriber.next();
  assert.deepEqual([event.id, event.accountId, event.data, event.dataJson], ['mine', 1, { n: [1, null] }, '{"n":[1,null]}']);
  assert.deepEqual([event.timestamp, event.occurredAt, event.sequence],
    [receipt.timestamp, '2026-01-02T00:00:00.000000Z', 1]);
  assert.equal(subscriber.cursor, event.cursor);
  subscriber.close();
  assert.equal(await subscriber.next(), undefined);
});

test('account ids beyond 2^53 are exact', () => {
  const line = '{"id":"a","account_id":9223372036854775807,"timestamp":"2026-01-02T00:00:00.000000Z","data":1e400}';
  const event = new Event(line);
  assert.deepEqual([event.accountId, event.dataJson], [9223372036854775807n, '1e400']);
  assert.equal(new Gap('{"reason":"sequence","account_id":9223372036854775807}').accountId, 9223372036854775807n);
});

test('frames are read whatever the pieces they come in', () => {
  const text = 'retry: 2000\nid: c_1\n\n: alive\nid: c_2\n\nid: c_3\ndata: {"a":1}\n\nevent: gap\r\nid:c_4\r\ndata:{}\r\n\r\n';
  const expected = [{ id: 'c_1' }, { id: 'c_2' }, { id: 'c_3', data: '{"a":1}' }, { event: 'gap', id: 'c_4', data: '{}' }];
  for (let size = 1; size <= text.length; ++size) {
    const parser = new SseParser();
    const frames = [];
    for (let at = 0; at < text.length; at += size) frames.push(...parser.push(text.slice(at, at + size)));
    assert.deepEqual(frames, expected);
  }
});

test('it goes on where it was after the server was away', async (t) => {
  const listen = await freeAddress();
  const daemon = await startDaemon(t, { listen });
  const subscriber = subscribe(daemon.url);
  await subscriber.ready();
  await connect(daemon.url).track(1, 'before');
  assert.equal((await subscriber.next()).data, 'before');
  const next = subscriber.next(); // it waits while the server is away
  await daemon.stop();
  await startDaemon(t, { listen });
  const gap = await next; // the history in memory died with its server: that is told
  assert.ok(gap instanceof Gap && gap.reason === 'unknown-cursor', gap?.json);
  await connect(daemon.url).track(1, 'after');
  assert.equal((await subscriber.next()).data, 'after');
  subscriber.close();
});

/** A server whose connections each do the next step. */
async function startScript(t, steps) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    steps[Math.min(requests.length, steps.length) - 1](response, request);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => {
    server.closeAllConnections?.();
    server.close(resolve);
  }));
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

const line = (data) => `{"id":"a","account_id":1,"timestamp":"2026-01-02T00:00:00.000000Z","data":${data}}`;

test('a stream that is cut is resumed behind the last event received', async (t) => {
  const { url, requests } = await startScript(t, [
    (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(`id: c_0\n\nid: c_1\ndata: ${line(1)}\n\nid: c_2\ndata: {"half`, () => response.destroy());
    },
    (response) => response.writeHead(503, { 'Content-Type': 'application/problem+json' }).end('{"type":"overloaded"}'),
    (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(`id: c_1\n\nid: c_2\ndata: ${line(2)}\n\n`);
    },
  ]);
  const subscriber = subscribe(url, { tail: 5 });
  assert.deepEqual([(await subscriber.next()).data, (await subscriber.next()).data], [1, 2]);
  assert.deepEqual(requests, ['/v1/events?tail=5', '/v1/events?since=c_1', '/v1/events?since=c_1']);
  subscriber.close();
});

test('a stream that is silent for too long is opened again', async (t) => {
  const { url, requests } = await startScript(t, [(response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`id: c_${requests.length}\n\n`);
    if (requests.length > 1) response.write(`id: c_9\ndata: ${line(7)}\n\n`);
  }]);
  const subscriber = subscribe(url, { idleTimeoutMs: 300 });
  assert.equal((await subscriber.next()).data, 7);
  subscriber.close();
});

test('what will not get better ends it', async (t) => {
  const { url } = await startScript(t, [(response) => response.writeHead(403, { 'Content-Type': 'application/problem+json' })
    .end('{"type":"forbidden","detail":"streams are off"}')]);
  const subscriber = subscribe(url);
  await assert.rejects(subscriber.next(), { code: 'forbidden', message: 'streams are off' });
  assert.equal(await subscriber.next(), undefined);
  await assert.rejects(subscribe(await nobodysUrl(), { retry: false }).next(), { code: 'could-not-connect' });
});

test('a reader that does not read is told what it missed, and holds no more than a buffer', async (t) => {
  const { url } = await startDaemon(t);
  const service = connect(url);
  const subscriber = subscribe(url);
  await subscriber.ready();
  const data = new Json(JSON.stringify('x'.repeat(250_000)));
  const count = 160; // 40 MB: more than the sockets and the server's buffer hold
  for (let i = 0; i < count; ++i) await service.track(1, data);
  let events = 0;
  let missed = 0;
  while (events + missed < count) {
    const delivery = await subscriber.next();
    if (delivery instanceof Gap) {
      assert.equal(delivery.reason, 'slow-subscriber');
      missed += delivery.missed;
    } else {
      events += 1;
    }
  }
  assert.ok(missed > 0 && events > 0, `${events} events, ${missed} missed`);
  subscriber.close();
});

test('leaving the loop closes the stream', async (t) => {
  const { url } = await startDaemon(t);
  await connect(url).track(1, 'one');
  const subscriber = subscribe(url, { since: 'all' });
  for await (const event of subscriber) {
    assert.equal(event.data, 'one');
    break;
  }
  assert.equal(await subscriber.next(), undefined);
});

test('of two changes of the accounts the last one holds', async (t) => {
  const { url } = await startDaemon(t);
  const service = connect(url);
  const subscriber = subscribe(url, { accountIds: [1] });
  await subscriber.ready();
  await Promise.all([subscriber.setAccounts([1, 3]), subscriber.setAccounts([1])]); // only the first one has to ask
  await service.track(3, 'not wanted');
  await service.track(1, 'wanted');
  assert.equal((await subscriber.next()).data, 'wanted');
  subscriber.close();
});

test('after close nothing is handed over', async (t) => {
  const { url } = await startDaemon(t);
  const service = connect(url);
  for (let i = 0; i < 3; ++i) await service.track(1, i);
  const subscriber = subscribe(url, { since: 'all' });
  const first = await subscriber.next();
  subscriber.close();
  assert.equal(await subscriber.next(), undefined);
  assert.equal(subscriber.cursor, first.cursor);
});

test('close wakes who waits', async (t) => {
  const { url } = await startDaemon(t);
  const subscriber = subscribe(url);
  await subscriber.ready();
  const next = subscriber.next();
  subscriber.close();
  assert.equal(await next, undefined);
  const unreachable = subscribe(await nobodysUrl());
  const waiting = unreachable.next();
  unreachable.close();
  assert.equal(await waiting, undefined);
});

test('every export has its type', () => {
  const types = readFileSync(new URL('../src/index.d.ts', import.meta.url), 'utf8');
  const declared = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), Object.keys(api).sort());
});

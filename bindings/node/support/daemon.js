// A tracking-httpd of its own on free ports, ended with the test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const accounts = 'memory:?active=1,3&inactive=2';
const build = process.env.TRACKING_BUILD_DIR;
if (!build) throw new Error('TRACKING_BUILD_DIR names the folder of the build, with bin/tracking-httpd');

export async function startDaemon(t, { listen = '127.0.0.1:0', flags = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tracking-node-'));
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TRACKING_')));
  const process_ = spawn(join(build, 'bin/tracking-httpd'), [
    '--listen', listen, '--admin-listen', '127.0.0.1:0', '--data-dir', folder, '--log-format', 'json',
    '--accounts', accounts, '--broker', 'memory:', ...flags,
  ], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => process_.once('exit', resolve));
  const daemon = {
    url: undefined,
    async stop() {
      process_.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  t.after(() => daemon.stop());
  for await (const line of createInterface({ input: process_.stderr })) {
    const record = JSON.parse(line);
    if (record.message !== 'listening') continue;
    daemon.url = record.public;
    break;
  }
  process_.stderr.resume();
  if (!daemon.url) throw new Error('tracking-httpd ended instead of listening');
  return daemon;
}

/** An address at which nobody listens, with a port that the system does not give by itself: from 32768 on it does. */
export async function freeAddress() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return `127.0.0.1:${port}`;
  }
}

/** A URL at which nobody listens. */
export async function nobodysUrl() {
  return `http://${await freeAddress()}`;
}

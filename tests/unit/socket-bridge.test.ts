/** The renderer's WebSocket bridge against the real web host: calls, events, and a connection that breaks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket as NodeWebSocket } from 'ws';
import { startWebHost, type WebHost } from '../../src-main/hosts/web/server.ts';
import type { Bridge, ConnectionState } from '../../src-renderer/api/bridge.ts';
import { openSocketBridge } from '../../src-renderer/api/socket-bridge.ts';
import { createFakeBackend, sample, type FakeBackend } from '../helpers/fake-backend.ts';

const { projectId } = sample.project;
const { runId } = sample.run;

let rendererFolder: string;
let backend: FakeBackend;
let host: WebHost;
let cookie: string;
let states: ConnectionState[];
const sockets: NodeWebSocket[] = [];

/** As the browser's: it adds cookie and origin by itself. */
class PageWebSocket extends NodeWebSocket {
  constructor(url: string) {
    super(url, { origin: new URL(url).origin.replace('ws:', 'http:'), headers: { cookie } });
    this.on('error', () => {});
    sockets.push(this);
  }
}

beforeEach(async () => {
  rendererFolder = mkdtempSync(join(tmpdir(), 'fovea-bridge-'));
  writeFileSync(join(rendererFolder, 'index.html'), '');
  backend = createFakeBackend();
  await startHost(0);
  vi.stubGlobal('WebSocket', PageWebSocket);
  states = [];
});

afterEach(async () => {
  vi.unstubAllGlobals();
  for (const socket of sockets.splice(0)) {
    socket.onclose = null; // no reconnecting into the next test
    socket.terminate();
  }
  await host.close();
  rmSync(rendererFolder, { recursive: true });
});

async function startHost(port: number): Promise<void> {
  host = await startWebHost({ backend, rendererFolder, port });
  const answer = await fetch(host.url, { redirect: 'manual' });
  cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

function openBridge(): Bridge {
  const bridge = openSocketBridge(`http://127.0.0.1:${host.port}/#/runs`);
  bridge.watchConnection((state) => states.push(state));
  return bridge;
}

const become = (state: ConnectionState) =>
  vi.waitUntil(() => states.at(-1) === state, { timeout: 30_000, interval: 5 });

it('sends calls made before the connection stands, and answers each with its own', async () => {
  const bridge = openBridge();
  const [settings, kernels] = await Promise.all([
    bridge.invoke('settings.get', {}),
    bridge.invoke('run.kernels', { projectId, runId, checkpoint: 'best' }),
  ]);
  expect(settings).toEqual({ ok: true, value: sample.settings });
  expect(kernels).toMatchObject({ ok: true, value: [{ values: Float32Array.of(0.5, -1, 0.25, 2) }] });
  expect(states).toEqual(['connecting', 'connected']);
});

it('gives an event to its listeners until they end the subscription', async () => {
  const bridge = openBridge();
  await become('connected');
  const got: string[] = [];
  const listener = () => got.push('once');
  const endFirst = bridge.on('job.changed', listener);
  bridge.on('job.changed', listener);
  bridge.on('settings.changed', () => got.push('settings'));
  backend.emit('job.changed', sample.job);
  await vi.waitUntil(() => got.length === 2, { timeout: 30_000 });
  endFirst();
  backend.emit('job.changed', sample.job);
  backend.emit('settings.changed', sample.settings);
  await vi.waitUntil(() => got.includes('settings'), { timeout: 30_000 });
  expect(got).toEqual(['once', 'once', 'once', 'settings']);
});

it('fails a call in flight when the connection breaks, and connects again by itself', async () => {
  const never = Promise.withResolvers<never>();
  backend.handlers['run.list'] = () => never.promise;
  const bridge = openBridge();
  await become('connected');
  const unanswered = bridge.invoke('run.list', { projectId });
  sockets[0]?.terminate();
  expect(await unanswered).toMatchObject({ ok: false, error: { code: 'network' } });
  await become('connected');
  expect(states).toEqual(['connecting', 'connected', 'lost', 'connected']);
  expect(await bridge.invoke('settings.get', {})).toEqual({ ok: true, value: sample.settings });
});

it('fails calls at once while the host is away, and finds it when it is back', async () => {
  const bridge = openBridge();
  await become('connected');
  const { port } = host;
  await host.close();
  await become('lost');
  expect(await bridge.invoke('settings.get', {})).toMatchObject({ ok: false, error: { code: 'network' } });
  await startHost(port);
  await become('connected');
  expect(await bridge.invoke('settings.get', {})).toEqual({ ok: true, value: sample.settings });
});

it('does not know where a dropped file lies', () => {
  expect(openBridge().pathOfFile(new File([], 'x.tar.gz'))).toBeNull();
});

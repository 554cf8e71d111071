/** The web host over real sockets: who gets in, what is served, and how a page that misbehaves is cut off. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { decodeFrame, encodeFrame } from '../../src-main/contract/codec.ts';
import { heartbeatMs, largestMessageBytes } from '../../src-main/hosts/web/sockets.ts';
import { startWebHost, type WebHost } from '../../src-main/hosts/web/server.ts';
import { createFakeBackend, sample, type FakeBackend } from '../helpers/fake-backend.ts';

let folder: string;
let backend: FakeBackend;
let host: WebHost;
let token: string;
let cookie: string;
const openSockets: WebSocket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-web-'));
  const rendererFolder = join(folder, 'renderer');
  mkdirSync(join(rendererFolder, 'assets'), { recursive: true });
  writeFileSync(join(rendererFolder, 'index.html'), '<title>Fovea</title>');
  writeFileSync(join(rendererFolder, 'assets', 'index-1a2b.js'), 'export {};');
  writeFileSync(join(rendererFolder, '.hidden'), 'secret');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(rendererFolder, 'link.txt'));
  backend = createFakeBackend();
  host = await startWebHost({ backend, rendererFolder, port: 0 });
  token = new URL(host.url).searchParams.get('token') ?? '';
  cookie = await signIn();
});

afterEach(async () => {
  vi.useRealTimers();
  for (const socket of openSockets.splice(0)) socket.terminate();
  await host.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** `path` goes out as it is: no client tidies it up first. */
function get(path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: host.port, path, method, headers, agent: false });
    request.once('error', reject).once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const body = Buffer.concat(chunks).toString('latin1');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    request.end();
  });
}

async function signIn(): Promise<string> {
  const { headers } = await get(`/?token=${token}`);
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const signedIn = (path: string, headers: OutgoingHttpHeaders = {}) => get(path, { cookie, ...headers });

describe('the token', () => {
  it('has 256 random bits', () => {
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  });

  it('is exchanged for a cookie that scripts and other sites cannot use, and leaves the address', async () => {
    const { status, headers } = await get(`/?token=${token}`);
    expect(status).toBe(303);
    expect(headers.location).toBe('/');
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^fovea_session_\d+=.{43}; HttpOnly; SameSite=Strict; Path=\/$/),
    ]);
    expect(headers['set-cookie']?.[0]).not.toContain(token);
    expect(headers['cache-control']).toBe('no-store');
  });

  it.each(['wrong', '', 'A'.repeat(43)])('is refused as "%s", without a cookie', async (wrong) => {
    const { status, headers } = await signedIn(`/?token=${wrong}`);
    expect(status).toBe(403);
    expect(headers['set-cookie']).toBeUndefined();
  });

  it.each(['/', '/index.html', '/assets/index-1a2b.js', `/media/${sample.project.projectId}/image/1`, '/nothing'])(
    'is needed for %s',
    async (path) => {
      const { status, body } = await get(path);
      expect(status).toBe(401);
      expect(body).toContain('Open the whole address that Fovea printed');
    },
  );

  it.each(['x', 'x=y', 'fovea_session_1=abc', ''])('cannot be replaced by the cookie "%s"', async (wrong) => {
    expect((await get('/', { cookie: wrong })).status).toBe(401);
  });

  it('does not serve as the cookie itself', async () => {
    expect((await get('/', { cookie: `fovea_session_${host.port}=${token}` })).status).toBe(401);
  });
});

describe('the Host header', () => {
  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    '[::1]:80',
    '0.0.0.0',
    'localhost.evil.example:1',
  ])('is refused as %s, even with the cookie', async (wrong) => {
    const { status, body } = await signedIn('/', { host: wrong });
    expect(status).toBe(403);
    expect(body).not.toContain('<title>');
  });

  it.each(['localhost', 'localhost:9000', '127.0.0.1:9000'])('may be %s, as through a tunnel', async (own) => {
    expect((await signedIn('/', { host: own })).status).toBe(200);
  });

  it('must be there', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(host.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.0\r\nCookie: ${cookie}\r\n\r\n`));
      socket.setEncoding('utf8').on('data', (text: string) => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('what is served', () => {
  it('is the page, with a strict policy on every answer', async () => {
    const { status, headers, body } = await signedIn('/');
    expect(status).toBe(200);
    expect(body).toBe('<title>Fovea</title>');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http/);
    for (const path of ['/nothing', '/?token=wrong', '/assets/index-1a2b.js']) {
      expect((await signedIn(path)).headers['content-security-policy'], path).toBe(policy);
    }
  });

  it('is a script with its type, kept for ever under its hashed name', async () => {
    const { headers, body } = await signedIn('/assets/index-1a2b.js');
    expect(body).toBe('export {};');
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(headers['cache-control']).toBe('private, max-age=31536000, immutable');
  });

  it('is a picture of an open project, and 404 in words for another', async () => {
    const picture = await signedIn(`/media/${sample.project.projectId}/image/1`);
    expect(picture.status).toBe(200);
    expect(picture.headers['content-type']).toBe('image/png');
    expect(picture.body).toBe('\x89PNG\r\n\x1a\n');
    const other = await signedIn('/media/00000000-0000-4000-8000-000000000000/image/1');
    expect(other.status).toBe(404);
    expect(other.body).toContain('No picture at');
  });

  it('has no body for HEAD', async () => {
    const { status, headers, body } = await get('/', { cookie }, 'HEAD');
    expect([status, headers['content-length'], body]).toEqual([200, '20', '']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('is not changed by %s', async (method) => {
    expect((await get('/', { cookie }, method)).status).toBe(405);
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '/%252e%252e/secret.txt',
    '/link.txt',
    '/.hidden',
    '/assets',
    '/%00',
    '/%zz',
    '//secret.txt',
    '/media/../../secret.txt',
    '/media/%2e%2e/%2e%2e/secret.txt',
  ])('is nothing outside of the renderer: %s', async (path) => {
    const { status, body } = await signedIn(path);
    expect(status).toBe(404);
    expect(body).not.toContain('secret');
  });
});

describe('the WebSocket', () => {
  const origin = () => `http://127.0.0.1:${host.port}`;

  function socket(headers: Record<string, string> = { cookie, origin: origin() }, path = '/bridge'): WebSocket {
    const { origin: _origin, ...rest } = headers;
    const opened = new WebSocket(`ws://127.0.0.1:${host.port}${path}`, { origin: headers['origin'], headers: rest });
    openSockets.push(opened);
    return opened;
  }

  /** 101 where it opens, else the status of the refusal. */
  const status = (opened: WebSocket) =>
    new Promise<number>((resolve) => {
      opened.once('open', () => resolve(101));
      opened.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      opened.once('error', () => {});
    });

  const message = (opened: WebSocket) =>
    new Promise<unknown>((resolve) => opened.once('message', (data: Buffer) => resolve(decodeFrame(data))));

  const closing = (opened: WebSocket) =>
    new Promise<number>((resolve) => opened.once('close', (code) => resolve(code)));

  async function openSocket(): Promise<WebSocket> {
    const opened = socket();
    expect(await status(opened)).toBe(101);
    return opened;
  }

  it('opens for its own page', async () => {
    expect(await status(socket())).toBe(101);
  });

  it('opens through a tunnel, where name and port are the tunnel’s', async () => {
    const headers = { cookie, host: 'localhost:9000', origin: 'http://localhost:9000' };
    expect(await status(socket(headers))).toBe(101);
  });

  it.each([
    ['without a cookie', () => ({ origin: origin() }), 401],
    ['without an origin', () => ({ cookie }), 403],
    ['from another site', () => ({ cookie, origin: 'https://evil.example' }), 403],
    ['from another port of this machine', () => ({ cookie, origin: 'http://127.0.0.1:1' }), 403],
    ['from a file', () => ({ cookie, origin: 'null' }), 403],
    ['as another host', () => ({ cookie, host: 'evil.example', origin: 'http://evil.example' }), 403],
  ])('is refused %s', async (_what, headers, expected) => {
    expect(await status(socket(headers() as Record<string, string>))).toBe(expected);
  });

  it('is refused on another path', async () => {
    expect(await status(socket(undefined, '/'))).toBe(404);
  });

  it('answers calls by id, typed arrays as typed arrays', async () => {
    const opened = await openSocket();
    const answer = message(opened);
    const request = { projectId: sample.project.projectId, runId: 7, checkpoint: 'best' };
    opened.send(encodeFrame({ id: 42, call: 'run.kernels', request }));
    const [kernels] = await backend.handlers['run.kernels'](request as never);
    expect(await answer).toStrictEqual({ id: 42, envelope: { ok: true, value: [kernels] } });
  });

  it('answers an unknown call and a wrong request with an error, and stays open', async () => {
    const opened = await openSocket();
    const unknown = message(opened);
    opened.send(encodeFrame({ id: 1, call: 'shell.run', request: {} }));
    expect(await unknown).toMatchObject({ id: 1, envelope: { ok: false, error: { code: 'invalid-request' } } });
    const wrong = message(opened);
    opened.send(encodeFrame({ id: 2, call: 'project.open', request: { path: 7 } }));
    expect(await wrong).toMatchObject({ id: 2, envelope: { ok: false, error: { context: { path: 'path' } } } });
    expect(opened.readyState).toBe(WebSocket.OPEN);
    expect(backend.requests).toEqual([]);
  });

  it('pushes every event to every page', async () => {
    const pages = [await openSocket(), await openSocket()];
    const got = Promise.all(pages.map(message));
    backend.emit('job.changed', sample.job);
    const frame = { event: 'job.changed', payload: sample.job };
    expect(await got).toStrictEqual([frame, frame]);
  });

  it('is closed by a message over the limit, and by none under it', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const opened = await openSocket();
    const answer = message(opened);
    const padding = 'x'.repeat(largestMessageBytes - 1000);
    opened.send(encodeFrame({ id: 1, call: 'settings.get', request: { padding } }));
    expect(await answer).toMatchObject({ id: 1, envelope: { ok: true } });
    const closed = closing(opened);
    opened.send(Buffer.alloc(largestMessageBytes + 1));
    expect(await closed).toBe(1009);
    vi.restoreAllMocks();
  });

  it.each([
    ['text', '{"id":1,"call":"settings.get","request":{}}', 1003],
    ['bytes that are no msgpack', Buffer.from([0xc1]), 1008],
    ['a frame without an id', encodeFrame({ call: 'settings.get', request: {} }), 1008],
    ['a frame whose call is no text', encodeFrame({ id: 1, call: 7, request: {} }), 1008],
    ['a frame whose id is no number', encodeFrame({ id: '1', call: 'settings.get', request: {} }), 1008],
  ])('is closed by %s', async (_what, bytes, code) => {
    const opened = await openSocket();
    const closed = closing(opened);
    opened.send(bytes);
    expect(await closed).toBe(code);
    expect(backend.requests).toEqual([]);
  });
});

describe('the heartbeat and the end', () => {
  async function openOn(url: string): Promise<WebSocket> {
    const { port } = new URL(url);
    const answer = await fetch(url, { redirect: 'manual' });
    const session = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    const opened = new WebSocket(`ws://127.0.0.1:${port}/bridge`, {
      origin: `http://127.0.0.1:${port}`,
      headers: { cookie: session },
      autoPong: false,
    });
    openSockets.push(opened);
    await new Promise((resolve) => opened.once('open', resolve));
    return opened;
  }

  it('drops a page that does not answer pings, and keeps one that does', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const other = await startWebHost({ backend, rendererFolder: join(folder, 'renderer'), port: 0 });
    const silent = await openOn(other.url);
    const alive = await openOn(other.url);
    const dropped = new Promise((resolve) => silent.once('close', resolve));
    alive.on('ping', (data: Buffer) => alive.pong(data));
    for (let beat = 0; beat < 3; beat++) {
      const pinged = new Promise((resolve) => alive.once('ping', resolve));
      vi.advanceTimersByTime(heartbeatMs);
      await pinged;
      // Its answer comes after the pong, so once it is here the host has heard the pong too.
      const answered = new Promise((resolve) => alive.once('message', resolve));
      alive.send(encodeFrame({ id: beat, call: 'settings.get', request: {} }));
      await answered;
    }
    expect(await dropped).toBe(1006);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    await other.close();
  });

  it('tells its pages, ends its subscriptions and gives the port back', async () => {
    const other = await startWebHost({ backend, rendererFolder: join(folder, 'renderer'), port: 0 });
    const subscribed = backend.subscriberCount();
    const opened = await openOn(other.url);
    const closed = new Promise((resolve) => opened.once('close', (code) => resolve(code)));
    await other.close();
    expect(await closed).toBe(1001);
    expect(backend.subscriberCount()).toBe(subscribed / 2);
    const again = await startWebHost({ backend, rendererFolder: join(folder, 'renderer'), port: other.port });
    expect(again.port).toBe(other.port);
    await again.close();
  });

  it('says which port is taken', async () => {
    const start = startWebHost({ backend, rendererFolder: join(folder, 'renderer'), port: host.port });
    await expect(start).rejects.toThrow(`cannot listen on port ${host.port} of 127.0.0.1: another program uses it`);
  });

  it('says how to build the page where it is not there', async () => {
    const start = startWebHost({ backend, rendererFolder: join(folder, 'nothing'), port: 0 });
    await expect(start).rejects.toThrow('npm run build');
  });
});

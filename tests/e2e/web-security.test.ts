/** The web host in front of a real browser: the key leaves the address, and no other page gets in. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitUntilReady } from '../helpers/app-session.ts';
import { launchBrowser, type BrowserSession } from '../helpers/browser.ts';

let session: BrowserSession;
/** A page of somebody else on this machine. To the browser it is the same site, so our cookie goes with its requests. */
let stranger: Server;
let strangerUrl: string;

beforeAll(async () => {
  stranger = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>Stranger</title>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => stranger.once('listening', resolve));
  strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`;
  session = await launchBrowser();
});
afterAll(async () => {
  await session?.close();
  stranger.close();
});

it('takes the token out of the address, and scripts cannot read what replaces it', async () => {
  const { origin, searchParams } = new URL(session.host.url);
  expect(searchParams.get('token')).toHaveLength(43);
  expect(await session.page.evaluate<string>('location.href')).toMatch(new RegExp(`^${origin}/(#.*)?$`));
  expect(await session.page.evaluate<string>('document.cookie')).toBe('');
  const [cookie] = await session.page.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
});

it('loads again without the token, and in words says no to a browser that never had it', async () => {
  await session.page.reload();
  await waitUntilReady(session.page);
  const newcomer = await session.browser.newContext();
  const page = await newcomer.newPage();
  const answer = await page.goto(new URL(session.host.url).origin);
  expect(answer?.status()).toBe(401);
  expect(await page.evaluate<string>('document.body.innerText')).toContain('Open the whole address that Fovea printed');
  await newcomer.close();
});

it('runs the whole page under its policy, without one complaint from the browser', async () => {
  const complaints: string[] = [];
  session.page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await session.page.reload();
  await waitUntilReady(session.page);
  expect(complaints).toEqual([]);
});

it('gives nothing to a page from another port, cookie or not', async () => {
  const storageState = await session.page.context().storageState();
  expect(storageState.cookies).toHaveLength(1);
  const sameCookies = await session.browser.newContext({ storageState });
  const page = await sameCookies.newPage();
  await page.goto(strangerUrl);
  const { host } = new URL(session.host.url);
  const outcomes = await page.evaluate<Record<string, string>>(`(async () => {
    const settled = (promise) => promise.then(() => 'reached', () => 'blocked');
    const loaded = (element) => settled(new Promise((resolve, reject) => {
      element.onload = resolve;
      element.onerror = reject;
      document.body.append(element);
    }));
    return {
      socket: await settled(new Promise((resolve, reject) => {
        const socket = new WebSocket('ws://${host}/bridge');
        socket.onopen = resolve;
        socket.onerror = reject;
      })),
      fetch: await settled(fetch('http://${host}/', { credentials: 'include' })),
      script: await loaded(Object.assign(document.createElement('script'), { src: 'http://${host}/index.html' })),
      opaque: await settled(fetch('http://${host}/', { mode: 'no-cors', credentials: 'include' })),
    };
  })()`);
  expect(outcomes).toEqual({ socket: 'blocked', fetch: 'blocked', script: 'blocked', opaque: 'blocked' });

  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('iframe'), { src: 'http://${host}/' }))`,
  );
  await page.waitForTimeout(300);
  const framed = page.frames().map((frame) => frame.url());
  expect(framed).not.toContain(`http://${host}/`);
  await sameCookies.close();
});

it('ends in order when it is asked to', async () => {
  const { process: child } = session.host;
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  child.kill('SIGINT');
  expect(await exit).toEqual({ code: 0, signal: null });
});

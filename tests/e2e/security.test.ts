/** The walls around the page, each tried from the inside in a real Electron: what the page must not be able to do. */
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src-main/contract/errors.ts';
import { callNames, eventNames } from '../../src-main/contract/ipc.ts';
import { isRoot, repository, waitUntilReady } from '../helpers/app-session.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';

const appAddress = 'fovea://app/';
const strangeProject = '00000000-0000-4000-8000-000000000000';

let session: ElectronSession;
/** Counts whoever reaches the network of this machine. */
let outside: Server;
let outsideUrl: string;
let connections: number;

beforeAll(async () => {
  outside = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => outside.once('listening', resolve));
  outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
  session = await launchElectron();
});
afterAll(async () => {
  await session?.close();
  outside.close();
});
beforeEach(() => (connections = 0));

/** Runs code in the page; `code` is an expression, of the browser's and not of Node's world. */
const inPage = <T>(code: string) => session.page.evaluate<T>(code);

describe('the page', () => {
  it('has no Node and no Electron', async () => {
    const names = ['process', 'require', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron', '__dirname'];
    const types = await inPage<string[]>(`${JSON.stringify(names)}.map((name) => typeof globalThis[name])`);
    expect(types).toEqual(names.map(() => 'undefined'));
  });

  it('is sandboxed and isolated', async () => {
    const preferences = await session.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      return (window?.webContents as unknown as { getLastWebPreferences(): object }).getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
    });
  });

  it('sees named functions for the calls and events of the contract, and can change none', async () => {
    const surface = await inPage<{ own: string[]; calls: string[]; events: string[] }>(`({
      own: Object.keys(fovea), calls: Object.keys(fovea.calls), events: Object.keys(fovea.on),
    })`);
    expect(surface.own.sort()).toEqual(['calls', 'on', 'pathOfFile']);
    expect(surface.calls.sort()).toEqual([...callNames].sort());
    expect(surface.events.sort()).toEqual([...eventNames].sort());
    const changed = await inPage<string>(`(() => {
      const before = fovea.calls['settings.get'];
      try { fovea.calls['settings.get'] = () => 'mine'; fovea.calls['shell.run'] = () => 'mine'; fovea.calls = {}; } catch {}
      return [fovea.calls['settings.get'] === before, typeof fovea.calls['shell.run']].join();
    })()`);
    expect(changed).toBe('true,undefined');
  });

  it('gets an error for a request that does not fit', async () => {
    const envelope = await inPage<Envelope<unknown>>(`fovea.calls['project.open']({ path: 7 })`);
    expect(envelope).toMatchObject({ ok: false, error: { code: 'invalid-request', context: { path: 'path' } } });
  });

  it('runs no inline script and evaluates no text', async () => {
    const marks = await inPage<unknown[]>(`new Promise((resolve) => {
      const script = document.createElement('script');
      script.textContent = 'window.inlineRan = true';
      document.body.append(script);
      const button = document.createElement('button');
      button.setAttribute('onclick', 'window.handlerRan = true');
      button.click();
      // In a task of its own: the policy does not hold for what a debugger evaluates.
      setTimeout(() => {
        let evaluated = 'evaluated';
        try { (0, eval)('1'); } catch (error) { evaluated = error.name; }
        let made = 'made';
        try { new Function('return 1'); } catch (error) { made = error.name; }
        resolve([window.inlineRan, window.handlerRan, evaluated, made]);
      });
    })`);
    expect(marks).toEqual([undefined, undefined, 'EvalError', 'EvalError']);
  });
});

/** Every way out that a page has; resolves when each has had time to fail. */
const tryEveryWayOut = (url: string) => `(async () => {
  const url = ${JSON.stringify(url)};
  const outcomes = {};
  const settled = (name, promise) => promise.then(() => (outcomes[name] = 'reached'), () => (outcomes[name] = 'blocked'));
  const element = (name, make) => settled(name, new Promise((resolve, reject) => {
    const it = make();
    it.onload = resolve;
    it.onerror = reject;
    document.head.append(it);
  }));
  const make = (tag, properties) => () => Object.assign(document.createElement(tag), properties);
  const frame = document.createElement('iframe');
  frame.src = url + '/frame';
  document.body.append(frame);
  for (const rel of ['preconnect', 'prefetch', 'dns-prefetch', 'prerender']) {
    document.head.append(make('link', { rel, href: url })());
  }
  navigator.sendBeacon(url + '/beacon', 'x');
  try { new WebTransport(url.replace('http:', 'https:')); } catch {}
  await Promise.all([
    settled('fetch', fetch(url)),
    settled('no-cors', fetch(url, { mode: 'no-cors' })),
    element('image', make('img', { src: url + '/image.png' })),
    element('script', make('script', { src: url + '/script.js' })),
    element('style', make('link', { rel: 'stylesheet', href: url + '/style.css' })),
    settled('socket', new Promise((resolve, reject) => {
      const socket = new WebSocket(url.replace('http:', 'ws:'));
      socket.onopen = resolve;
      socket.onerror = reject;
    })),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  frame.remove();
  return outcomes;
})()`;

const allBlocked = Object.fromEntries(
  ['fetch', 'no-cors', 'image', 'script', 'style', 'socket'].map((way) => [way, 'blocked']),
);

describe('the network', () => {
  it('can be reached from here, so that the tests below can fail', async () => {
    await fetch(outsideUrl).catch(() => {});
    expect(connections).toBe(1);
  });

  it('is out of reach for the page', async () => {
    expect(await inPage(tryEveryWayOut(outsideUrl))).toEqual(allBlocked);
    expect(connections).toBe(0);
  });

  it('is out of reach for the page even where its content security policy fails', async () => {
    const debug = await session.page.context().newCDPSession(session.page);
    await debug.send('Page.setBypassCSP', { enabled: true });
    await session.page.reload();
    expect(await inPage(`fetch('data:text/plain,policy is off').then((answer) => answer.text())`)).toBe(
      'policy is off',
    );
    expect(await inPage(tryEveryWayOut(outsideUrl))).toEqual(allBlocked);
    expect(connections).toBe(0);
    await debug.send('Page.setBypassCSP', { enabled: false });
    await debug.detach();
    await session.page.reload();
  });

  it('is out of reach for the browser session behind the page', async () => {
    const outcome = await session.app.evaluate(
      ({ session }, url) =>
        session.defaultSession.fetch(url).then(
          () => 'reached',
          (error: Error) => error.message,
        ),
      outsideUrl,
    );
    expect(outcome).toBe('net::ERR_BLOCKED_BY_CLIENT');
    expect(connections).toBe(0);
  });

  it('is out of reach over WebRTC, which asks for no address', async () => {
    let datagrams = 0;
    const stun = createSocket('udp4', () => datagrams++);
    await new Promise<void>((resolve) => stun.bind(0, '127.0.0.1', resolve));
    const candidates = await inPage<string[]>(`(async () => {
      const connection = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${stun.address().port}' }] });
      const candidates = [];
      connection.onicecandidate = ({ candidate }) => candidate && candidates.push(candidate.candidate);
      connection.createDataChannel('x');
      await connection.setLocalDescription(await connection.createOffer());
      await new Promise((resolve) => setTimeout(resolve, 1000));
      connection.close();
      return candidates;
    })()`);
    stun.close();
    expect(candidates).toEqual([]);
    expect(datagrams).toBe(0);
  });

  it('is not asked for names', async () => {
    const resolved = await session.app.evaluate(({ session }) =>
      session.defaultSession.resolveHost('localhost').then(
        () => 'resolved',
        (error: Error) => error.message,
      ),
    );
    expect(resolved).toContain('ERR_NAME_NOT_RESOLVED');
  });
});

describe('windows and navigation', () => {
  const windowCount = () => session.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);

  it.each(['https://example.com', 'about:blank', appAddress, 'file:///etc/passwd'])(
    'opens no window for %s',
    async (url) => {
      expect(await inPage(`String(window.open(${JSON.stringify(url)}))`)).toBe('null');
      await inPage(
        `Object.assign(document.createElement('a'), { href: ${JSON.stringify(url)}, target: '_blank' }).click()`,
      );
      expect(await windowCount()).toBe(1);
    },
  );

  it.each([
    () => outsideUrl,
    () => 'file:///etc/passwd',
    () => 'data:text/html,hello',
    () => `${appAddress}index.html?other`,
    () => 'chrome://gpu',
  ])('goes nowhere (%#)', async (address) => {
    await inPage(`void (window.stillHere = true)`);
    const before = session.page.url();
    await inPage(`void setTimeout(() => (location.href = ${JSON.stringify(address())}))`);
    await inPage(`new Promise((resolve) => setTimeout(resolve, 150))`);
    expect(await inPage('window.stillHere')).toBe(true);
    expect(session.page.url()).toBe(before);
    expect(connections).toBe(0);
  });

  it('comes back from about:blank, which Chromium lets every page go to', async () => {
    const gone = session.page.waitForURL('about:blank');
    await inPage(`void setTimeout(() => (location.href = 'about:blank'))`);
    await gone;
    await session.page.waitForURL(appAddress);
    await waitUntilReady(session.page);
  });

  it('takes no guest page', async () => {
    await inPage(`document.body.append(Object.assign(document.createElement('webview'), { src: 'about:blank' }))`);
    const types = await session.app.evaluate(({ webContents }) =>
      webContents.getAllWebContents().map((it) => it.getType()),
    );
    expect(types).toEqual(['window']);
  });

  it('opens no developer tools', async () => {
    const opened = await session.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      contents?.openDevTools();
      return contents?.isDevToolsOpened();
    });
    expect(opened).toBe(false);
  });
});

it('gets no permission', async () => {
  const names = ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'clipboard-write', 'midi'];
  const states = await inPage<string[]>(
    `Promise.all(${JSON.stringify(names)}.map((name) => navigator.permissions.query({ name }).then(({ state }) => state)))`,
  );
  expect(states).toEqual(names.map(() => 'denied'));
  expect(await inPage('Notification.requestPermission()')).toBe('denied');
  const asked = await inPage<string[]>(`Promise.all([
    new Promise((resolve) => navigator.geolocation.getCurrentPosition(() => resolve('given'), (error) => resolve(error.code === 1 ? 'denied' : 'other'))),
    navigator.clipboard.readText().then(() => 'given', () => 'denied'),
    navigator.mediaDevices.getUserMedia({ audio: true, video: true }).then(() => 'given', () => 'denied'),
    navigator.mediaDevices.getDisplayMedia({ video: true }).then(() => 'given', () => 'denied'),
    navigator.requestMIDIAccess().then(() => 'given', () => 'denied'),
  ])`);
  expect(asked).toEqual(asked.map(() => 'denied'));
});

describe('the scheme fovea:', () => {
  const status = (path: string, init = '{}') =>
    inPage<number>(`fetch(${JSON.stringify(appAddress + path)}, ${init}).then(({ status }) => status)`);

  it('serves the page with its policy', async () => {
    const headers = await inPage<Record<string, string>>(
      `fetch(${JSON.stringify(appAddress)}).then(({ headers }) => Object.fromEntries(headers))`,
    );
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|http/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each([
    '../main/main.js',
    '../../package.json',
    '..%2fmain%2fmain.js',
    '%2e%2e/main/main.js',
    'assets/..%2f..%2fmain/main.js',
    '..%5cmain%5cmain.js',
    '%252e%252e/main/main.js',
    '/etc/passwd',
    'file:///etc/passwd',
    '%00',
    'media/../../../package.json',
    'media/..%2f..%2f..%2fpackage.json',
    `media/${strangeProject}/image/1`,
    `media/${strangeProject}/thumbnail/1`,
    `media/${strangeProject}/..%2f..%2fproject.sqlite`,
  ])('does not serve %s', async (path) => {
    expect(await status(path)).toBe(404);
  });

  it('takes no other method', async () => {
    expect(await status('', `{ method: 'POST', body: 'x' }`)).toBe(405);
  });

  it('has no other host', async () => {
    const fetched = await session.app.evaluate(({ session }) =>
      session.defaultSession.fetch('fovea://other/index.html').then(({ status }) => status),
    );
    expect(fetched).toBe(404);
  });
});

it('answers no other window, whatever that window is allowed', async () => {
  const answer = await session.app.evaluate(async ({ BrowserWindow }) => {
    const rogue = new BrowserWindow({
      show: false,
      webPreferences: { nodeIntegration: true, contextIsolation: false, sandbox: false },
    });
    await rogue.loadURL('fovea://app/index.html');
    const result: unknown = await rogue.webContents.executeJavaScript(
      `require('electron').ipcRenderer.invoke('fovea:call', 'settings.get', {})`,
    );
    rogue.destroy();
    return result;
  });
  expect(answer).toMatchObject({
    ok: false,
    error: { message: 'Calls are answered only for windows of the app itself.' },
  });
});

it('is opened only once for the same settings', async () => {
  const executable = await session.app.evaluate(({ app }) => app.getPath('exe'));
  const second = spawn(executable, [repository, ...(isRoot ? ['--no-sandbox'] : [])], {
    env: { ...process.env, FOVEA_USER_DATA: session.userDataFolder },
    stdio: 'ignore',
  });
  const exitCode = await new Promise((resolve) => second.once('exit', resolve));
  expect(exitCode).toBe(0);
  expect(await session.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

/** The preload's surface is the contract, name by name, and nothing beside it; and the main process trusts no sender. */
import { describe, expect, it } from 'vitest';
import type { IpcMainInvokeEvent, WebContents } from 'electron';
import type { Envelope } from '../../src-main/contract/errors.ts';
import { callNames, eventNames } from '../../src-main/contract/ipc.ts';
import { callChannel, eventChannel } from '../../src-main/hosts/electron/channels.ts';
import { connectBridge } from '../../src-main/hosts/electron/ipc.ts';
import { buildPreloadSurface, type PreloadPorts } from '../../src-main/hosts/electron/preload-surface.ts';
import { createFakeBackend, sample } from '../helpers/fake-backend.ts';

function surface() {
  const invoked: unknown[][] = [];
  let deliver: (...args: unknown[]) => void = () => {};
  const ports: PreloadPorts = {
    invoke: (...args) => {
      invoked.push(args);
      return Promise.resolve({ ok: true, value: null });
    },
    on: (channel, listener) => {
      if (channel === eventChannel) deliver = (...args) => listener({}, ...args);
    },
    pathOfFile: () => '/dropped/file',
  };
  return { built: buildPreloadSurface(ports), invoked, deliver: (...args: unknown[]) => deliver(...args) };
}

describe('the preload', () => {
  it('exposes exactly the calls and events of the contract', () => {
    const { built } = surface();
    expect(Object.keys(built)).toEqual(['calls', 'on', 'pathOfFile']);
    expect(Object.keys(built.calls).sort()).toEqual([...callNames].sort());
    expect(Object.keys(built.on).sort()).toEqual([...eventNames].sort());
    expect(Object.values(built.calls).every((call) => typeof call === 'function')).toBe(true);
  });

  it.each(callNames)('%s sends its own name and one request, whatever else it is given', async (name) => {
    const { built, invoked } = surface();
    const call = built.calls[name] as (...args: unknown[]) => Promise<unknown>;
    await call({ some: 'request' }, 'another argument');
    expect(invoked).toEqual([[callChannel, name, { some: 'request' }]]);
  });

  it.each(eventNames)('%s reaches its own listeners until they end the subscription', (name) => {
    const { built, deliver } = surface();
    const got: unknown[] = [];
    const listener = (payload: unknown) => got.push(payload);
    const endFirst = built.on[name](listener);
    const endSecond = built.on[name](listener);
    deliver(name, 'to both');
    endFirst();
    deliver(name, 'to one');
    endSecond();
    deliver(name, 'to none');
    deliver(
      eventNames.find((other) => other !== name),
      'of another event',
    );
    expect(got).toEqual(['to both', 'to both', 'to one']);
  });
});

describe('the main process', () => {
  const origin = 'fovea://app';
  const frame = { origin };
  const sent: unknown[][] = [];
  const page = { mainFrame: frame, send: (...args: unknown[]) => sent.push(args) } as unknown as WebContents;

  function connect(currentPages: readonly WebContents[] = [page]) {
    const backend = createFakeBackend();
    let handler: (event: IpcMainInvokeEvent, ...args: unknown[]) => unknown = () => null;
    const channels: string[] = [];
    const ipcMain = {
      handle: (channel: string, listener: typeof handler) => {
        channels.push(channel);
        handler = listener;
      },
    };
    connectBridge({ ipcMain, backend, pages: () => currentPages, pageOrigin: origin });
    const call = (senderFrame: unknown, ...args: unknown[]) =>
      handler({ senderFrame } as IpcMainInvokeEvent, ...args) as Promise<Envelope<unknown>>;
    return { backend, call, channels };
  }

  it('answers on one channel only', () => {
    expect(connect().channels).toEqual([callChannel]);
  });

  it('answers a call of its own page', async () => {
    const { call } = connect();
    expect(await call(frame, 'settings.get', {})).toEqual({ ok: true, value: sample.settings });
  });

  it('refuses an unknown call and a request that does not fit', async () => {
    const { backend, call } = connect();
    expect(await call(frame, 'shell.run', {})).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
    expect(await call(frame, 'project.open', { path: 7 })).toMatchObject({ ok: false });
    expect(await call(frame)).toMatchObject({ ok: false });
    expect(backend.requests).toEqual([]);
  });

  it.each([
    ['a frame that is gone', null],
    ['another frame of the same origin', { origin }],
  ])('refuses %s', async (_what, sender) => {
    const { backend, call } = connect();
    expect(await call(sender, 'settings.get', {})).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
    expect(backend.requests).toEqual([]);
  });

  it('refuses its own window once another origin is in it', async () => {
    const stranger = { origin: 'https://example.com' };
    const { call, backend } = connect([{ mainFrame: stranger } as unknown as WebContents]);
    expect(await call(stranger, 'settings.get', {})).toMatchObject({ ok: false });
    expect(backend.requests).toEqual([]);
  });

  it('refuses every call while there is no window', async () => {
    expect(await connect([]).call(frame, 'settings.get', {})).toMatchObject({ ok: false });
  });

  it('answers every window of its own, and sends each of them the events', async () => {
    const second = { origin };
    const got: unknown[] = [];
    const other = { mainFrame: second, send: (...args: unknown[]) => got.push(args) } as unknown as WebContents;
    const { backend, call } = connect([page, other]);
    expect([await call(frame, 'settings.get', {}), await call(second, 'settings.get', {})]).toEqual(
      [0, 1].map(() => ({ ok: true, value: sample.settings })),
    );
    backend.emit('job.changed', sample.job);
    expect(got).toEqual([[eventChannel, 'job.changed', sample.job]]);
  });

  it('sends every event of the backend to the page', () => {
    const { backend } = connect();
    sent.length = 0;
    backend.emit('job.changed', sample.job);
    backend.emit('settings.changed', sample.settings);
    expect(sent).toEqual([
      [eventChannel, 'job.changed', sample.job],
      [eventChannel, 'settings.changed', sample.settings],
    ]);
    expect(backend.subscriberCount()).toBe(eventNames.length);
  });
});

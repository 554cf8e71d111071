/**
 * The bridge over one WebSocket of the web host: msgpack frames, answers matched by id, events fanned out, and the
 * connection opened again with growing pauses when it breaks. Calls are never sent twice: one that was in flight when
 * the connection broke fails with `network`, because nobody knows whether it was carried out.
 */
import { decodeFrame, encodeFrame } from '../../src-main/contract/codec.ts';
import { socketPath, type ServerFrame } from '../../src-main/contract/bridge.ts';
import type { Envelope } from '../../src-main/contract/errors.ts';
import { eventNames, type EventName } from '../../src-main/contract/ipc.ts';
import type { Bridge, ConnectionState } from './bridge.ts';

const firstPauseMs = 250;
const longestPauseMs = 5000;

type Settle = (envelope: Envelope<never>) => void;

export function openSocketBridge(pageUrl: string): Bridge {
  const connection = new SocketConnection(socketUrl(pageUrl));
  return {
    invoke: (name, request) => connection.call(name, request),
    on: (event, listener) => connection.on(event, listener as (payload: unknown) => void),
    watchConnection: (listener) => connection.watch(listener),
    pathOfFile: () => null,
  };
}

function socketUrl(pageUrl: string): string {
  const url = new URL(socketPath, pageUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

class SocketConnection {
  readonly #url: string;
  #state: ConnectionState = 'connecting';
  readonly #watchers = new Set<(state: ConnectionState) => void>();
  readonly #listeners = new Map<EventName, Set<(payload: unknown) => void>>(
    eventNames.map((name) => [name, new Set()]),
  );
  readonly #pending = new Map<number, Settle>();
  /** Frames that wait for a socket that is being opened. */
  #unsent: Uint8Array<ArrayBuffer>[] = [];
  #socket: WebSocket | null = null;
  #nextId = 0;
  #pauseMs = firstPauseMs;

  constructor(url: string) {
    this.#url = url;
    this.#open();
  }

  call(call: string, request: unknown): Promise<Envelope<never>> {
    const socket = this.#socket;
    if (socket === null) return Promise.resolve(connectionLost(call));
    const id = this.#nextId++;
    const frame = encodeFrame({ id, call, request });
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      else this.#unsent.push(frame);
    });
  }

  on(event: EventName, listener: (payload: unknown) => void): () => void {
    // A wrapper of its own, so that the same listener given twice is two subscriptions, as in the preload.
    const subscription = (payload: unknown) => listener(payload);
    this.#listeners.get(event)?.add(subscription);
    return () => this.#listeners.get(event)?.delete(subscription);
  }

  watch(listener: (state: ConnectionState) => void): () => void {
    this.#watchers.add(listener);
    listener(this.#state);
    return () => this.#watchers.delete(listener);
  }

  #open(): void {
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (message) => this.#received(decodeFrame(message.data as ArrayBuffer) as ServerFrame);
    socket.onclose = () => this.#closed();
    this.#socket = socket;
  }

  #opened(socket: WebSocket): void {
    this.#pauseMs = firstPauseMs;
    for (const frame of this.#unsent) socket.send(frame);
    this.#unsent = [];
    this.#become('connected');
  }

  #received(frame: ServerFrame): void {
    if ('event' in frame) {
      for (const listener of this.#listeners.get(frame.event) ?? []) listener(frame.payload);
      return;
    }
    const settle = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    settle?.(frame.envelope as Envelope<never>);
  }

  #closed(): void {
    this.#socket = null;
    this.#unsent = [];
    const unanswered = [...this.#pending.values()];
    this.#pending.clear();
    this.#become('lost');
    for (const settle of unanswered) settle(connectionLost('the call in progress'));
    setTimeout(() => this.#open(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }
}

function connectionLost(what: string): Envelope<never> {
  const message = `The connection to Fovea is lost, so ${what} got no answer. Is its server still running?`;
  return { ok: false, error: { code: 'network', message, context: {} } };
}

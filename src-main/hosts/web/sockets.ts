/**
 * The web host's end of the bridge: one WebSocket for each page, msgpack frames, calls answered by id, events pushed to
 * every page. A page that sends what is no frame, or does not read what it is sent, is cut off.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { WebSocketServer, type WebSocket } from 'ws';
import { clientFrame, type ClientFrame, type ServerFrame } from '../../contract/bridge.ts';
import { decodeFrame, encodeFrame } from '../../contract/codec.ts';
import { toErrorData } from '../../contract/errors.ts';
import { eventNames } from '../../contract/ipc.ts';
import type { Backend } from '../../services/backend.ts';
import { dispatch } from '../dispatch.ts';

export const largestMessageBytes = 1024 * 1024;
const largestBacklogBytes = 64 * 1024 * 1024;
export const heartbeatMs = 15_000;
/** How long a page may take to answer the closing frame. */
const farewellMs = 1000;

/** Codes of RFC 6455 §7.4.1. */
const closeCodes = { goingAway: 1001, unsupportedData: 1003, policyViolation: 1008 } as const;

export class Sockets {
  readonly #backend: Backend;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: largestMessageBytes,
    perMessageDeflate: false,
  });
  readonly #unsubscribe: (() => void)[];
  readonly #heartbeat: NodeJS.Timeout;
  /** Sockets that have shown life since the last heartbeat. */
  readonly #alive = new WeakSet<WebSocket>();

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#unsubscribe = eventNames.map((event) =>
      backend.subscribe(event, (payload) => this.#broadcast({ event, payload } as ServerFrame)),
    );
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
  }

  /** The request must have been checked: whoever gets a socket may call everything. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#connected(webSocket));
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const end of this.#unsubscribe) end();
    for (const socket of this.#server.clients) socket.close(closeCodes.goingAway, 'Fovea is stopping.');
    this.#server.close();
    setTimeout(() => this.#server.clients.forEach((socket) => socket.terminate()), farewellMs).unref();
  }

  #connected(socket: WebSocket): void {
    this.#alive.add(socket);
    socket.on('pong', () => this.#alive.add(socket));
    // A frame over the limit, or one that breaks the protocol: ws closes the socket itself.
    socket.on('error', (error) => console.error(`A connection was closed: ${error.message}`));
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return socket.close(closeCodes.unsupportedData, 'Frames are binary.');
      const frame = readFrame(data as Buffer);
      if (frame === null) return socket.close(closeCodes.policyViolation, 'This is no frame of the bridge.');
      void this.#answer(socket, frame);
    });
  }

  async #answer(socket: WebSocket, { id, call, request }: ClientFrame): Promise<void> {
    const envelope = await dispatch(this.#backend.handlers, call, request);
    try {
      send(socket, encodeFrame({ id, envelope } satisfies ServerFrame));
    } catch (error) {
      console.error(error);
      send(socket, encodeFrame({ id, envelope: { ok: false, error: toErrorData(error) } } satisfies ServerFrame));
    }
  }

  #broadcast(frame: ServerFrame): void {
    if (this.#server.clients.size === 0) return;
    const bytes = encodeFrame(frame);
    for (const socket of this.#server.clients) send(socket, bytes);
  }

  #beat(): void {
    for (const socket of this.#server.clients) {
      if (!this.#alive.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }
}

function readFrame(data: Buffer): ClientFrame | null {
  try {
    return v.parse(clientFrame, decodeFrame(data));
  } catch {
    return null;
  }
}

/** A page that has stopped reading is dropped; when it is back, it connects again and reads everything anew. */
function send(socket: WebSocket, bytes: Uint8Array): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > largestBacklogBytes) socket.terminate();
  else socket.send(bytes);
}

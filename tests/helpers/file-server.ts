/** A local HTTP server that serves one file, well or badly as a test wants, and keeps what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface FileServer {
  url: string;
  /** The Range header of each request, or null. */
  ranges: (string | null)[];
  /** How the next requests are answered; the well-behaved answer where absent. */
  behave: (respond: Responder | null) => void;
}

export type Responder = (request: IncomingMessage, response: ServerResponse) => void;

export async function serveFile(content: Buffer): Promise<FileServer> {
  const ranges: (string | null)[] = [];
  let responder: Responder | null = null;
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? null);
    (responder ?? sendRange(content))(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/file.tar.gz`, ranges, behave: (next) => (responder = next) };
}

/** Sends what was asked for: all of it, or from a byte on. */
function sendRange(content: Buffer): Responder {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const headers = { 'content-length': content.length - start };
    if (start === 0) response.writeHead(200, headers);
    else
      response.writeHead(206, {
        ...headers,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      });
    response.end(content.subarray(start));
  };
}

/** Sends all of the content whatever range was asked for. */
export function ignoreRange(content: Buffer): Responder {
  return (_request, response) => response.writeHead(200, { 'content-length': content.length }).end(content);
}

/** Behaves like `sendRange`, but cuts the connection after some bytes. */
export function cutAfter(content: Buffer, bytes: number): Responder {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-length': content.length - start };
    if (start === 0) response.writeHead(200, headers);
    else
      response.writeHead(206, {
        ...headers,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      });
    response.write(content.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 20));
  };
}

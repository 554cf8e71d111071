/**
 * The HTTP side of the web host: the address with its token, the checks before everything else, the page's files and
 * pictures, and the upgrade to the bridge's WebSocket.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketPath } from '../../contract/bridge.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { Backend } from '../../services/backend.ts';
import { failure, openContent, type Content, type ContentResponse } from '../content.ts';
import { Access, isLocalHost, isOwnOrigin } from './access.ts';
import { Sockets } from './sockets.ts';

const address = '127.0.0.1';

export interface WebHostOptions {
  backend: Backend;
  rendererFolder: string;
  /** 0 takes a free one. */
  port: number;
}

export interface WebHost {
  port: number;
  /** What the person opens; holds the token. */
  url: string;
  /** Ends the connections. The backend is the caller's to close. */
  close(): Promise<void>;
}

/** Resolves once it listens. Throws FoveaError where the renderer is not built, or `io` for a port in use. */
export async function startWebHost({ backend, rendererFolder, port }: WebHostOptions): Promise<WebHost> {
  const content = openContent(rendererFolder, (path) => backend.media(path));
  const access = new Access();
  const server = createServer();
  await listen(server, port);
  const boundPort = (server.address() as AddressInfo).port;
  const sockets = new Sockets(backend);

  server.on('request', (request, response) => {
    void answer(request, access, boundPort, content).then((answer) => respond(request, response, answer));
  });
  server.on('upgrade', (request, socket, head) => {
    const status = upgradeStatus(request, access, boundPort);
    if (status === 101) sockets.accept(request, socket, head);
    else refuseUpgrade(socket, status);
  });

  return {
    port: boundPort,
    url: `http://${address}:${boundPort}/?token=${access.token}`,
    close: () => {
      sockets.close();
      server.closeIdleConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  request: IncomingMessage,
  access: Access,
  port: number,
  content: Content,
): Promise<ContentResponse> {
  if (!isLocalHost(request.headers)) return failure(403, 'Fovea answers only as 127.0.0.1 or localhost.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return failure(405, 'Only GET is served.');
  const url = requestUrl(request);
  if (url === null) return failure(400, 'This is no address.');

  const token = url.searchParams.get('token');
  if (token !== null) return access.tokenFits(token) ? signIn(access.sessionCookie(port)) : failure(403, wrongToken);
  return access.hasSession(request.headers, port) ? content(url.pathname) : failure(401, noToken);
}

const noToken = 'Open the whole address that Fovea printed at its start: it ends in a token, which is your key.';
const wrongToken =
  'This token is not the one of the running Fovea. Open the address that it printed at its last start.';

/** The token leaves the address bar at once, so that it is not in what the person copies or bookmarks. */
function signIn(cookie: string): ContentResponse {
  const { headers } = failure(303, '');
  return { status: 303, headers: { ...headers, location: '/', 'set-cookie': cookie }, body: '' };
}

function upgradeStatus(request: IncomingMessage, access: Access, port: number): number {
  if (!isLocalHost(request.headers) || !isOwnOrigin(request.headers)) return 403;
  if (!access.hasSession(request.headers, port)) return 401;
  return requestUrl(request)?.pathname === `/${socketPath}` ? 101 : 404;
}

/** Null for anything but a path: "//host/" and "http://host/" must not be read as other addresses. */
function requestUrl({ url }: IncomingMessage): URL | null {
  return url?.startsWith('/') ? URL.parse(`http://${address}${url}`) : null;
}

function respond(request: IncomingMessage, response: ServerResponse, { status, headers, body }: ContentResponse): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.on('error', () => socket.destroy()); // the other side may be gone already
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(cannotListen(port, error));
    server.once('error', fail);
    server.listen(port, address, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function cannotListen(port: number, cause: NodeJS.ErrnoException): FoveaError {
  const why = cause.code === 'EADDRINUSE' ? 'another program uses it; choose another with --port' : cause.message;
  return new FoveaError('io', `Fovea cannot listen on port ${port} of ${address}: ${why}.`, { port }, { cause });
}

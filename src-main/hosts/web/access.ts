/**
 * Who may talk to the web host. It listens on 127.0.0.1 only, but so can every page in the person's browser and every
 * user of the machine: a secret keeps out the users, the Host check keeps out rebound DNS names, the Origin check keeps
 * out other pages.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Names under which 127.0.0.1 is reached, also through an SSH tunnel; the port is the tunnel's business. */
const localNames = new Set(['127.0.0.1', 'localhost']);

export class Access {
  /** Goes into the printed address, once per start: 256 random bits. */
  readonly token = randomBytes(32).toString('base64url');
  /** What the browser keeps instead, so that the printed token is not what every request carries. */
  readonly #session = randomBytes(32).toString('base64url');

  tokenFits(candidate: string): boolean {
    return equal(candidate, this.token);
  }

  /** Cookies are shared by all ports of a host, so the name holds the port. */
  sessionCookie(port: number): string {
    return `${cookieName(port)}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  hasSession(headers: IncomingHttpHeaders, port: number): boolean {
    const prefix = `${cookieName(port)}=`;
    const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    return cookies.some((cookie) => cookie.startsWith(prefix) && equal(cookie.slice(prefix.length), this.#session));
  }
}

export function isLocalHost(headers: IncomingHttpHeaders): boolean {
  const host = headers.host?.replace(/:\d{1,5}$/, '');
  return host !== undefined && localNames.has(host);
}

/** True where the page that asks was served by us: same name and port as the request goes to. */
export function isOwnOrigin(headers: IncomingHttpHeaders): boolean {
  return headers.origin !== undefined && headers.origin === `http://${headers.host}`;
}

function cookieName(port: number): string {
  return `fovea_session_${port}`;
}

/** In a time that says nothing about where the two differ. */
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** One GET over HTTP or HTTPS, following redirects, through the proxy that the environment names. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { FoveaError } from '../../contract/errors.ts';

const MAX_REDIRECTS = 5;
/** A connection on which nothing arrives for so long is given up. */
const STALL_MS = 30_000;

/** The connection could not be made, broke off, or went silent: worth another attempt. */
export class ConnectionLost extends Error {}

/**
 * Resolves with the response once its headers are there, whatever its status; bytes before `firstByte` are not asked
 * for. Rejects with ConnectionLost, with FoveaError `network` for a redirect that must not be followed, or with the
 * signal's reason.
 */
export async function httpGet(address: string, firstByte: number, signal: AbortSignal): Promise<IncomingMessage> {
  let url = parseAddress(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await send(url, firstByte, signal);
    const { location } = response.headers;
    const status = response.statusCode ?? 0;
    if (status < 300 || status >= 400 || location === undefined) return response;
    response.destroy();
    url = follow(url, location);
  }
  throw new FoveaError('network', `${address} redirects more than ${MAX_REDIRECTS} times.`, { url: address });
}

function send(url: URL, firstByte: number, signal: AbortSignal): Promise<IncomingMessage> {
  const module = url.protocol === 'https:' ? https : http;
  const headers = { 'accept-encoding': 'identity', ...(firstByte > 0 ? { range: `bytes=${firstByte}-` } : {}) };
  const agent = new module.Agent({ proxyEnv: process.env });
  return new Promise((resolve, reject) => {
    const request = module.get(url, { headers, agent, signal, timeout: STALL_MS }, resolve);
    request.on('timeout', () => request.destroy(new ConnectionLost(`nothing arrived for ${STALL_MS / 1000} s`)));
    request.on('error', (error) => {
      if (signal.aborted) reject(signal.reason);
      else reject(error instanceof ConnectionLost ? error : new ConnectionLost(error.message, { cause: error }));
    });
  });
}

function parseAddress(address: string): URL {
  const url = URL.parse(address);
  if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new FoveaError('network', `“${address}” is no http or https address.`, { url: address });
}

function follow(from: URL, location: string): URL {
  const to = parseAddress(new URL(location, from).href);
  if (from.protocol === 'https:' && to.protocol !== 'https:') {
    throw new FoveaError(
      'network',
      `${from.href} redirects to an address without encryption, ${to.href}. Not followed.`,
      { url: from.href },
    );
  }
  return to;
}

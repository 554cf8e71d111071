/**
 * What the page may load, the same in Electron and on the web: the built renderer's files and the pictures of open
 * projects, each with the headers that keep the page closed. Knows no protocol; a host turns answers into its own.
 */
import { readFile, realpath } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { FoveaError, toErrorData } from '../contract/errors.ts';
import type { Backend } from '../services/backend.ts';

/**
 * Nothing from elsewhere, no inline script or style, no eval. Styles set through the CSSOM (Svelte's `style:` and
 * `style={…}`, Konva, uPlot) need no exception. data: and blob: pictures are inlined icons and canvas exports.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

const cacheForEver = 'private, max-age=31536000, immutable';

export interface ContentResponse {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | string;
}

export type Content = (pathname: string) => Promise<ContentResponse>;

/** Throws FoveaError `not-found` where the renderer has not been built into `rendererFolder`. */
export function openContent(rendererFolder: string, media: Backend['media']): Content {
  if (!existsSync(join(rendererFolder, 'index.html'))) {
    const message = `The window's files are not in ${rendererFolder}. Build them with: npm run build`;
    throw new FoveaError('not-found', message, { folder: rendererFolder });
  }
  return async (pathname) => {
    const segments = safeSegments(pathname);
    if (segments === null) return failure(404, 'No such file.');
    return segments[0] === 'media' ? mediaResponse(media, segments.join('/')) : fileResponse(rendererFolder, segments);
  };
}

/** An answer in plain words; the person may see it as a page. */
export function failure(status: number, message: string): ContentResponse {
  const headers = { ...securityHeaders, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return { status, headers, body: `${message}\n` };
}

/** The decoded segments of a URL path, or null where one could lead out of the folder it is joined to. */
function safeSegments(pathname: string): string[] | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  const segments = decoded.split('/').filter((segment) => segment !== '');
  const unsafe = (segment: string) => /^\.|[\\:\0]/.test(segment);
  return segments.some(unsafe) ? null : segments;
}

async function fileResponse(folder: string, segments: string[]): Promise<ContentResponse> {
  const relative = segments.length === 0 ? 'index.html' : join(...segments);
  try {
    const file = await realpath(join(folder, relative));
    // A link inside the folder must not lead out of it either.
    if (!file.startsWith((await realpath(folder)) + sep)) return failure(404, 'No such file.');
    const body = await readFile(file);
    const contentType = contentTypes[extname(file)] ?? 'application/octet-stream';
    const cacheControl = segments[0] === 'assets' ? cacheForEver : 'no-cache'; // names in assets/ carry a hash
    return {
      status: 200,
      headers: { ...securityHeaders, 'content-type': contentType, 'cache-control': cacheControl },
      body,
    };
  } catch {
    return failure(404, 'No such file.');
  }
}

async function mediaResponse(media: Backend['media'], path: string): Promise<ContentResponse> {
  try {
    const { contentType, body, immutable } = await media(path);
    const headers = {
      ...securityHeaders,
      'content-type': contentType,
      'cache-control': immutable ? cacheForEver : 'no-cache',
    };
    return { status: 200, headers, body: body as Uint8Array<ArrayBuffer> };
  } catch (error) {
    const { code, message } = toErrorData(error);
    return failure(code === 'not-found' ? 404 : 500, message);
  }
}

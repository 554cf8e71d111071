/**
 * Downloads one file with checksum, and goes on where an earlier attempt stopped: bytes arrive in "<file>.part", which
 * stays after a cut connection or a cancel and gets its own name only when the checksum is right. Makes no request
 * unless called.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FoveaError } from '../../contract/errors.ts';
import { hashFile } from '../../engine/weights/file-hash.ts';
import { fileError, systemCode } from '../file-errors.ts';
import type { JobProgress } from '../jobs.ts';
import { ConnectionLost, httpGet } from './http-request.ts';

export interface DownloadOptions {
  url: string;
  /** Absolute path of the finished file. */
  file: string;
  /** Of the finished file, in hexadecimal: whole, or its beginning where the publisher says no more. */
  hash: { algorithm: 'md5' | 'sha256'; start: string };
  signal: AbortSignal;
  report: (progress: JobProgress) => void;
  /** Pauses before new attempts; the list begins anew whenever an attempt brought bytes. */
  retryDelaysMs?: readonly number[];
}

const RETRY_DELAYS_MS = [1000, 3000, 10_000];

/**
 * Resolves when the file is there with the right checksum; at once where it is there already. Rejects with the signal's
 * reason after a cancel, with FoveaError `network` (no connection, HTTP error, wrong checksum) or `io` (disk full).
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { file, hash, signal, report, url } = options;
  const part = `${file}.part`;
  await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'make the folder for downloads', dirname(file));
  });
  if ((await sizeOf(file)) !== null) {
    if ((await hashOf(file, hash, signal)).startsWith(hash.start)) return;
    await rm(file, { force: true });
  }
  await fetchWithRetries(options, part);
  report({ step: `Checking ${basename(file)}` });
  const found = await hashOf(part, hash, signal);
  if (!found.startsWith(hash.start)) {
    await rm(part, { force: true });
    throw wrongChecksum(file, url, found, hash);
  }
  await rename(part, file).catch((error: unknown) => {
    throw fileError(error, 'finish the download', file);
  });
}

async function fetchWithRetries(options: DownloadOptions, part: string): Promise<void> {
  const { signal, report, url, retryDelaysMs = RETRY_DELAYS_MS } = options;
  let attempt = 0;
  for (;;) {
    const present = (await sizeOf(part)) ?? 0;
    try {
      await fetchPart(options, part, present);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectionLost)) throw error;
      if (((await sizeOf(part)) ?? 0) > present) attempt = 0;
      const delayMs = retryDelaysMs[attempt++];
      if (delayMs === undefined) throw connectionFailed(url, error);
      report({ step: 'Connection lost; trying again' });
      await pause(delayMs, signal);
    }
  }
}

/** Adds to `part`, which has `present` bytes; begins anew where the server does not send the range. */
async function fetchPart(options: DownloadOptions, part: string, present: number): Promise<void> {
  const { url, signal, report, file } = options;
  const response = await httpGet(url, present, signal);
  try {
    // 416: there is nothing after `present`. The part is complete, or too long; the checksum decides.
    if (response.statusCode === 416 && present > 0) return;
    const resumes = response.statusCode === 206;
    if (resumes && rangeStart(response) !== present) {
      await rm(part, { force: true });
      throw new ConnectionLost('it sent other bytes than were asked for');
    }
    if (!resumes && response.statusCode !== 200) throw httpError(url, response);
    const start = resumes ? present : 0;
    const total = totalBytes(response, start);
    report({ step: `Downloading ${basename(file)}`, done: start, total, unit: 'bytes' });
    const chunks = countedChunks(response, start, total, (done) => report({ done }));
    await pipeline(chunks, createWriteStream(part, { flags: resumes ? 'a' : 'w' }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ConnectionLost ? error : fileError(error, 'save the download', part);
  } finally {
    response.destroy();
  }
}

/** Passes the bytes on; throws ConnectionLost where they end early. */
async function* countedChunks(
  response: IncomingMessage,
  start: number,
  total: number | null,
  report: (done: number) => void,
): AsyncGenerator<Uint8Array, void> {
  let done = start;
  try {
    for await (const chunk of response) {
      done += (chunk as Uint8Array).length;
      report(done);
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw new ConnectionLost(`it broke off after ${done} bytes`, { cause: error });
  }
  if (total !== null && done < total) throw new ConnectionLost(`it ended after ${done} of ${total} bytes`);
}

function rangeStart(response: IncomingMessage): number | null {
  const match = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '');
  return match ? Number(match[1]) : null;
}

function totalBytes(response: IncomingMessage, start: number): number | null {
  const length = response.headers['content-length'];
  return length === undefined ? null : start + Number(length);
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw fileError(error, 'look at the download', file);
  }
}

async function hashOf(file: string, { algorithm }: DownloadOptions['hash'], signal: AbortSignal): Promise<string> {
  try {
    return await hashFile(file, algorithm, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw fileError(error, 'check the download', file);
  }
}

function wrongChecksum(
  file: string,
  url: string,
  found: string,
  { algorithm, start: expected }: DownloadOptions['hash'],
): FoveaError {
  return new FoveaError(
    'network',
    `${basename(file)}: what ${url} delivered is not the expected file (${algorithm} ${found}, expected ${expected}). It was ` +
      'deleted. Try again, or download the file yourself and choose it here.',
    { file, url, found, expected },
  );
}

function httpError(url: string, response: IncomingMessage): FoveaError {
  const status = response.statusCode ?? 0;
  return new FoveaError(
    'network',
    `${url} answered ${status}${response.statusMessage ? ` ${response.statusMessage}` : ''}. Try again later, or download the ` +
      'file yourself and choose it here.',
    { url, status },
  );
}

function connectionFailed(url: string, cause: ConnectionLost): FoveaError {
  return new FoveaError(
    'network',
    `The connection to ${new URL(url).host} failed: ${cause.message}. Check the network and start the download again; it ` +
      'goes on from where it stopped.',
    { url },
    { cause },
  );
}

/**
 * A display without a screen for the end-to-end tests: an Xvfb of their own on Linux, so that no window opens on the
 * person's desktop and every screenshot has the same size. Elsewhere the desktop is used.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

export default async function startDisplay(): Promise<() => void> {
  if (process.platform !== 'linux') return () => {};
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1920x1080x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  process.env['DISPLAY'] = `:${await displayNumber(server)}`;
  delete process.env['WAYLAND_DISPLAY'];
  return () => server.kill();
}

/** Xvfb takes the first free number and writes it to the descriptor it was given. */
function displayNumber(server: ChildProcess): Promise<string> {
  const numbers = server.stdio[3] as Readable;
  return new Promise((resolve, reject) => {
    server.once('error', () => reject(new Error('Xvfb is not installed. Debian package: xvfb')));
    server.once('exit', (code) => reject(new Error(`Xvfb ended at its start with code ${code}`)));
    numbers.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
  });
}

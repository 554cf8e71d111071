/**
 * The image codec in Electron, whose GLib stands beside the codec's own on Linux: where the two are mixed, GLib speaks of
 * objects that are none, and no picture is freed. Needs neither a display nor a build.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { childEnvironment } from '../helpers/app-session.ts';
import { electronBinary } from '../helpers/electron.ts';
import { photo } from '../helpers/generated-images.ts';

it('decodes picture files in Electron with its own GLib', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-decode-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'photo.jpg');
  writeFileSync(file, await photo({ widthPx: 64, heightPx: 48 }));
  const { executable } = await electronBinary();
  const script = fileURLToPath(new URL('../helpers/decode-many.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(executable, [script, file], {
    env: childEnvironment(folder, { ELECTRON_RUN_AS_NODE: '1' }),
    maxBuffer: 1e8,
  });
  expect(stderr).not.toContain('GLib');
  expect(JSON.parse(stdout)).toEqual({ electron: true, bytes: 50 * 32 * 24 * 3 });
});

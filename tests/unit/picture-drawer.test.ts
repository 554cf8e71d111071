/** Pictures of image files: a real process for what is drawn, hand-led ones for who starts, who ends and what a crash costs. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { PictureCommand, PictureReply } from '../../src-main/services/pictures/messages.ts';
import { PictureDrawer } from '../../src-main/services/pictures/picture-drawer.ts';
import type { PixelSource } from '../../src-main/store/image-repository.ts';
import { photo } from '../helpers/generated-images.ts';
import { launchPictures } from '../helpers/worker-process.ts';

let drawer: PictureDrawer | undefined;
afterEach(() => drawer?.close());

const fileFacts = { datasetId: 1 as DatasetId, mediaType: 'image/jpeg', orientation: 1, sizeBytes: 1, modifiedMs: 0 };
const picture = (path: string): PixelSource => ({ kind: 'file', file: { root: 'photos', path, ...fileFacts } });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Led {
  tasks: PictureCommand[] = [];
  isKilled = false;
  tell: (reply: PictureReply) => void = () => undefined;
  exit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;
  send = (command: PictureCommand): void => void this.tasks.push(command);
  onEvent = (listener: (reply: PictureReply) => void): void => void (this.tell = listener);
  onExit = (listener: Led['exit']): void => void (this.exit = listener);
  kill = (): void => {
    this.isKilled = true;
    this.exit({ code: null, signal: 'SIGKILL' });
  };
  get paths(): string[] {
    return this.tasks.map(({ task }) => task.file.path);
  }
  /** Answers with the first letter of its file's name as the picture. */
  answer(path: string): void {
    const { number } = this.tasks.find(({ task }) => task.file.path === path)!;
    this.tell({ kind: 'drawn', number, picture: new Uint8Array([path.charCodeAt(0)]) });
  }
}

/** Processes that are led by the test. */
function ledDrawer(options?: { idleMs: number }): { launched: Led[]; whole: (path: string) => Promise<string> } {
  const launched: Led[] = [];
  const own = new PictureDrawer(() => {
    const led = new Led();
    launched.push(led);
    queueMicrotask(() => led.tell({ kind: 'ready' }));
    return led;
  }, options);
  drawer = own;
  return {
    launched,
    whole: async (path) => String.fromCharCode(...(await own.whole('/project', picture(path), 256))),
  };
}

test('one process draws many side by side, and answers as they are done', async () => {
  const { launched, whole } = ledDrawer();
  const [a, b] = [whole('a'), whole('b')];
  await settled();
  expect(launched.map(({ paths }) => paths)).toEqual([['a', 'b']]);
  launched[0]!.answer('b');
  expect(await b).toBe('b');
  launched[0]!.answer('a');
  expect(await a).toBe('a');
});

test('what the process says of a file is told; the others are not concerned', async () => {
  const { launched, whole } = ledDrawer();
  const [a, b] = [whole('a'), whole('b')];
  await settled();
  launched[0]!.tell({ kind: 'failed', number: 1, error: { code: 'bad-input', message: 'cut off', context: {} } });
  await expect(a).rejects.toMatchObject({ code: 'bad-input', message: 'cut off' });
  launched[0]!.answer('b');
  expect(await b).toBe('b');
});

test('after a crash those that were under way are tried again one by one, and only the odd one fails', async () => {
  const { launched, whole } = ledDrawer();
  const [a, odd] = [whole('a'), whole('odd')];
  await settled();
  launched[0]!.exit({ code: null, signal: 'SIGSEGV' });
  await settled();
  expect(launched[1]!.paths).toEqual(['a']);
  launched[1]!.answer('a');
  expect(await a).toBe('a');
  await settled();
  expect(launched[1]!.paths).toEqual(['a', 'odd']);
  launched[1]!.exit({ code: null, signal: 'SIGSEGV' });
  await expect(odd).rejects.toMatchObject({
    code: 'process-died',
    message: 'The process that draws pictures crashed (SIGSEGV).',
  });
  const next = whole('next');
  await settled();
  launched[2]!.answer('next');
  expect(await next).toBe('n');
});

test('a process that nobody needs ends, and the next picture starts another', async () => {
  const { launched, whole } = ledDrawer({ idleMs: 20 });
  const first = whole('a');
  await settled();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(launched[0]!.isKilled).toBe(false); // it is still at work
  launched[0]!.answer('a');
  await first;
  await expect.poll(() => launched[0]!.isKilled).toBe(true);
  const second = whole('b');
  await settled();
  launched[1]!.answer('b');
  expect(await second).toBe('b');
});

test('closing ends what is under way, and nothing is started after it', async () => {
  const { launched, whole } = ledDrawer();
  const pending = whole('a');
  await settled();
  await Promise.all([drawer!.close(), expect(pending).rejects.toMatchObject({ code: 'process-died' })]);
  await expect(whole('b')).rejects.toMatchObject({ code: 'cancelled' });
  expect(launched).toHaveLength(1);
});

test('the real process stands back behind the window', { skip: process.platform !== 'linux' }, async () => {
  const own = (drawer = new PictureDrawer(launchPictures));
  const gone = own.whole('/project', picture('gone.jpg'), 256).catch(() => undefined);
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(children.map((pid) => getPriority(pid) - getPriority())).toContain(5);
  await gone;
});

test('a real process draws thumbnails, whole pictures and crops, and explains a file that is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-pictures-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'wide.jpg'), await photo({ widthPx: 400, heightPx: 100 }));
  await writeFile(join(folder, 'none.jpg'), 'no picture');
  const own = (drawer = new PictureDrawer(launchPictures));
  const file = (path: string): PixelSource => ({ kind: 'file', file: { root: folder, path, ...fileFacts } });
  const sizeOf = async (bytes: Promise<Uint8Array>): Promise<(string | number)[]> => {
    const { format, width, height } = await sharp(await bytes).metadata();
    return [format, width, height];
  };
  const [small, whole, crop] = await Promise.all([
    sizeOf(own.whole('/project', file('wide.jpg'), 256)),
    sizeOf(own.whole('/project', file('wide.jpg'), null)),
    sizeOf(own.crop('/project', file('wide.jpg'), [100, 40, 120, 60])),
  ]);
  expect(small).toEqual(['webp', 256, 64]);
  expect(whole).toEqual(['png', 400, 100]);
  // 20 px, and on each side a tenth of it and one more.
  expect(crop).toEqual(['webp', 26, 26]);
  await expect(own.whole('/project', file('none.jpg'), 256)).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringContaining(`${join(folder, 'none.jpg')} cannot be read as an image`),
  });
  await expect(own.whole('/project', file('gone.jpg'), 256)).rejects.toMatchObject({ code: 'not-found' });
});

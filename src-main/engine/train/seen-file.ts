/**
 * What a network says of one image file, kept in a file of its own so that a window can look at one after another: gzip over
 * uint32 length of a JSON head, the head, and behind it a mask's categories and confidences, uint8 [H, W] each. Little-endian.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { FoveaError } from '../../contract/errors.ts';
import type { Seen, SeenMasks } from '../../contract/model/image-prediction.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';

const [compress, expand] = [promisify(gzip), promisify(gunzip)];

type Head = Exclude<Seen, { kind: 'masks' }> | ({ kind: 'masks' } & Omit<SeenMasks, 'predicted' | 'confidence'>);

const fileOf = (folder: string, index: number): string => join(folder, `${String(index).padStart(6, '0')}.seen.gz`);

/** Throws FoveaError `io`. */
export async function writeSeen(folder: string, index: number, seen: Seen): Promise<void> {
  const { predicted, confidence, ...size } = seen.kind === 'masks' ? seen.masks : emptyMasks;
  const head: Head = seen.kind === 'masks' ? { kind: 'masks', ...size } : seen;
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const whole = Buffer.concat([length, text, predicted, confidence]);
  await writeFileAtomic(fileOf(folder, index), [await compress(whole, { level: 1 })]);
}

const emptyMasks: SeenMasks = {
  widthPx: 0,
  heightPx: 0,
  predicted: new Uint8Array(),
  confidence: new Uint8Array(),
  placement: [0, 0, 0, 0],
};

/** Throws FoveaError `not-found` where it is not there (yet), `bad-input` where it is damaged. */
export async function readSeen(folder: string, index: number): Promise<Seen> {
  const file = fileOf(folder, index);
  const packed = await readFile(file).catch((cause: unknown) => {
    throw new FoveaError('not-found', 'The network has not looked at this image yet.', { file }, { cause });
  });
  try {
    const whole = await expand(packed);
    const end = 4 + whole.readUInt32LE();
    const head = JSON.parse(whole.toString('utf8', 4, end)) as Head;
    if (head.kind !== 'masks') return head;
    const { widthPx, heightPx, placement } = head;
    const pixels = widthPx * heightPx;
    if (whole.length !== end + 2 * pixels) throw new Error('it has another length than its head says');
    const [predicted, confidence] = [0, 1].map((part) =>
      Uint8Array.from(whole.subarray(end + part * pixels, end + (part + 1) * pixels)),
    ) as [Uint8Array, Uint8Array];
    return { kind: 'masks', masks: { widthPx, heightPx, predicted, confidence, placement } };
  } catch (cause) {
    throw new FoveaError('bad-input', `${file} is damaged.`, { file }, { cause });
  }
}

/** Random data sets survive being written and read, however their bytes arrive. A failure names the seed to repeat it. */
import { expect, test } from 'vitest';
import { readCifar10Batch, serialiseCifar10Batch } from '../../src-main/formats/cifar10.ts';
import { openIdxImages, readIdxLabels, serialiseIdxImages, serialiseIdxLabels } from '../../src-main/formats/idx.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const CASES = 10;

type Random = () => number;

function randomBytes(length: number, below: number, random: Random): Uint8Array {
  return new Uint8Array(length).map(() => random() * below);
}

/** The same bytes in pieces of random length, some of them empty. */
function* randomChunks(bytes: Uint8Array, random: Random): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const length = Math.floor(random() * random() * 50_000);
    yield bytes.subarray(start, start + length);
    start += length;
  }
}

async function collect<T>(blocks: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const block of blocks) collected.push(block);
  return collected;
}

console.log(`formats: FOVEA_TEST_SEED=${SEED}`);

test.each(Array.from({ length: CASES }, (_, index) => (SEED + index) >>> 0))(
  'CIFAR-10 batch, seed %i',
  async (seed) => {
    const random = seededRandom(seed);
    const count = 1 + Math.floor(random() * 300);
    const labels = randomBytes(count, 10, random);
    const pixels = randomBytes(count * 3072, 256, random);
    const blocks = await collect(
      readCifar10Batch('batch', randomChunks(serialiseCifar10Batch({ labels, pixels }), random)),
    );
    expect(Buffer.concat(blocks.map((block) => block.labels)).equals(labels)).toBe(true);
    expect(Buffer.concat(blocks.map((block) => block.pixels)).equals(pixels)).toBe(true);
  },
);

test.each(Array.from({ length: CASES }, (_, index) => (SEED + index) >>> 0))('IDX pair, seed %i', async (seed) => {
  const random = seededRandom(seed);
  const [count, heightPx, widthPx] = [
    1 + Math.floor(random() * 50),
    1 + Math.floor(random() * 200),
    1 + Math.floor(random() * 200),
  ];
  const labels = randomBytes(count, 256, random);
  const pixels = randomBytes(count * heightPx * widthPx, 256, random);
  const images = await openIdxImages('images', randomChunks(serialiseIdxImages(heightPx, widthPx, pixels), random));
  expect({ ...images, blocks: null }).toEqual({ count, heightPx, widthPx, blocks: null });
  expect(Buffer.concat(await collect(images.blocks())).equals(pixels)).toBe(true);
  const read = await readIdxLabels('labels', randomChunks(serialiseIdxLabels(labels), random));
  expect(Buffer.from(read).equals(labels)).toBe(true);
});

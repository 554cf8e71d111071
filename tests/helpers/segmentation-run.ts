/** Small segmentation runs for tests: drawn discs and squares with their masks, in packs beside each other. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PixelLoss } from '../../src-main/contract/model/loss.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { seededRandom } from './generated-data.ts';
import { phase, smallConfig } from './run-config.ts';
import { type SmallData } from './training-run.ts';
import { removeFolder } from './remove-folder.ts';

const background = 0;
const disc = 1;
const square = 2;
const ignored = 255;

/** A disc and, maybe, a square on noise, as bytes [3, side, side], and its mask; nobody knows what the first row shows. */
function drawShapes(side: number, squares: boolean, random: () => number): { image: Uint8Array; mask: Uint8Array } {
  const place = (): number => Math.floor((0.2 + 0.6 * random()) * side);
  const radius = side * (0.15 + 0.1 * random());
  const [discX, discY, squareX, squareY] = [place(), place(), place(), place()];
  const mask = Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    if (y === 0) return ignored;
    if (Math.hypot(x - discX, y - discY) < radius) return disc;
    return squares && Math.max(Math.abs(x - squareX), Math.abs(y - squareY)) < radius ? square : background;
  });
  const colours = [
    [60, 70, 80],
    [200, 90, 60],
    [70, 180, 210],
  ];
  const image = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const shown = mask[i % (side * side)]!;
    const colour = colours[shown === ignored ? background : shown]!;
    return colour[Math.floor(i / (side * side))]! + Math.floor(40 * (random() - 0.5));
  });
  return { image, mask };
}

export interface ShapesSize {
  train: number;
  test: number;
  side: number;
  /** Without them there is one kind of object. */
  squares: boolean;
}

export async function makeShapes({ train, test, side, squares }: ShapesSize): Promise<SmallData> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-segmentation-'));
  const random = seededRandom(33);
  const split = async (name: string, count: number, firstPack: number): Promise<[TrainingData['packs'], SplitData]> => {
    const drawn = Array.from({ length: count }, () => drawShapes(side, squares, random));
    const files = { images: join(folder, `${name}.u8`), masks: join(folder, `${name}-masks.u8`) };
    await writeFile(files.images, Buffer.concat(drawn.map(({ image }) => image)));
    await writeFile(files.masks, Buffer.concat(drawn.map(({ mask }) => mask).reverse()));
    const size = { count, heightPx: side, widthPx: side };
    const rows = Array.from({ length: count }, (_, i) => i);
    return [
      [
        { file: files.images, channels: 3, ...size },
        { file: files.masks, channels: 1, ...size },
      ],
      {
        imageIds: rows.map((row) => 1 + firstPack * 1000 + row),
        packs: rows.map(() => firstPack),
        rows,
        labels: [],
        // Masks lie in another order than images do.
        masks: { packs: rows.map(() => firstPack + 1), rows: rows.toReversed() },
      },
    ];
  };
  const [trainPacks, trainData] = await split('train', train, 0);
  const [testPacks, testData] = await split('test', test, 2);
  return {
    folder,
    data: {
      categories: ['background', 'disc', ...(squares ? ['square'] : [])],
      packs: [...trainPacks, ...testPacks],
      train: trainData,
      evaluation: testData,
    },
    dispose: () => removeFolder(folder),
  };
}

export const sumOf = (binary: boolean, ...losses: PixelLoss[]): RunConfig['loss'] => ({
  kind: 'sum',
  binary,
  terms: losses.map((loss) => ({ weight: 1, loss })),
});

/** A slim U-Net over the smallest encoder, from scratch. */
export const shapesConfig = (changes: Partial<RunConfig> = {}): RunConfig =>
  smallConfig({
    task: 'segmentation',
    model: { id: 'unet', options: { encoder: 'mobilenet_v2', decoderWidth: 64, dropConnect: 0 } },
    loss: sumOf(false, { kind: 'cross-entropy', classWeights: null }, { kind: 'dice', smooth: 0 }),
    batchSize: 6,
    phases: [phase({ epochs: 7, learningRate: 0.003 })],
    ...changes,
  });

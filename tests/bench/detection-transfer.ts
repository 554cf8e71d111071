/**
 * The same network, data, epochs and seed, once from random weights and once from COCO's: YOLOv8n on BCCD at 320 px. Every
 * seed is a pair. A run takes a quarter of an hour and more, so what was measured is kept and a run that was cut goes on.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { noAugmentation, type AugmentationConfig } from '../../src-main/contract/model/run-images.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import { writeFileAtomic } from '../../src-main/engine/weights/atomic-file.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { scenesConfig } from '../helpers/detection-run.ts';
import { phase, runTraining } from '../helpers/training-run.ts';
import { bccdClasses, packBccd } from './detection-data.ts';

export interface TransferOptions {
  bccd: string;
  /** yolov8n.onnx */
  weights: string;
  /** For the packs. */
  folder: string;
  /** Where runs and their curves stay, each under a name that follows from its configuration, data and weights. */
  kept: string;
  epochs: number;
  seeds: number;
  /** Of each split; all of them where absent. */
  images?: number;
  progress(text: string): void;
}

/** mAP50 after each epoch, a list a seed. */
export interface TransferCurves {
  scratch: number[][];
  pretrained: number[][];
}

export async function trainOnBccd(options: TransferOptions): Promise<TransferCurves> {
  const { bccd, weights, folder, kept, epochs, seeds, images, progress } = options;
  const side = 320;
  const train = await packBccd(bccd, 'trainval', side, folder, images);
  const test = await packBccd(bccd, 'test', side, folder, images);
  const data: TrainingData = {
    categories: bccdClasses,
    fit: 'letterbox',
    packs: [train.pack, test.pack],
    train: train.split,
    evaluation: { ...test.split, packs: test.split.packs.map(() => 1) },
  };
  const known = { padding: null, scaling: null };
  const start: StartFile = { label: 'yolov8n.onnx', path: weights, sha256: await hashFile(weights, 'sha256'), known };
  const curves: TransferCurves = { scratch: [], pretrained: [] };
  for (let seed = 0; seed < seeds; seed++) {
    for (const [name, from] of [
      ['scratch', null],
      ['pretrained', start],
    ] as const) {
      const config = recipe(epochs, seed);
      const run = join(kept, `bccd-${name}-seed${seed}-${keyOf(config, data, from)}`);
      const said = (epoch: number, ap50: number): void =>
        progress(`BCCD, seed ${seed}, ${name}: epoch ${epoch} of ${epochs}, mAP50 ${ap50.toFixed(3)}`);
      curves[name].push(await trainOrGoOn(run, config, data, from, said));
    }
  }
  return curves;
}

/** Of everything that decides a run's numbers but the program itself. */
function keyOf(config: RunConfig, { train, evaluation }: TrainingData, start: StartFile | null): string {
  const decisive = { config, objects: [train.objects, evaluation.objects], weights: start?.sha256 ?? null };
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 12);
}

/** mAP50 after each epoch; those that were measured before are not measured again. */
async function trainOrGoOn(
  run: string,
  config: RunConfig,
  data: TrainingData,
  start: StartFile | null,
  said: (epoch: number, ap50: number) => void,
): Promise<number[]> {
  const [{ epochs }] = config.phases as [RunConfig['phases'][number]];
  const file = join(run, 'ap50.json');
  await mkdir(run, { recursive: true });
  const curve = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as number[]) : [];
  curve.forEach((value, index) => said(index + 1, value));
  if (curve.length === epochs) return curve;
  let writing: Promise<void> = Promise.resolve();
  await runTraining(run, config, data, {
    // Begins at the start where there is nothing to go on from.
    resume: true,
    ...(start && { start }),
    threads: cpus().length,
    onPoints: (points) => {
      for (const { series, epoch, value } of points) {
        if (series !== 'test/ap50') continue;
        curve[epoch - 1] = value;
        said(epoch, value);
        const text = JSON.stringify(curve);
        writing = writing.then(() => writeFileAtomic(file, [Buffer.from(text)]));
      }
    },
  });
  await writing;
  // The curve is what counts; the weights of six runs would be large.
  await Promise.all((['last', 'best'] as const).map((name) => rm(runFiles.checkpoint(run, name), { force: true })));
  return curve;
}

export const fieldAugmentation: AugmentationConfig = {
  ...noAugmentation,
  ...{ hue: 0.015, saturation: 0.7, value: 0.4, translate: 0.1, scale: 0.5, flipHorizontal: 0.5, mosaic: 1 },
};

/** The field's augmentation, and its automatic optimiser for so few images. */
function recipe(epochs: number, seed: number) {
  return scenesConfig({
    seed,
    batchSize: 16,
    augmentation: {
      ...fieldAugmentation,
      closeMosaicEpochs: Math.min(10, Math.floor(epochs / 2)),
    },
    ema: { decay: 0.9999, warmupSteps: 2000 },
    phases: [
      phase({
        epochs,
        learningRate: 0.01 / (4 + bccdClasses.length),
        optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 5e-4 },
        schedule: { kind: 'linear', finalFactor: 0.01 },
        warmup: { epochs: Math.min(3, epochs), startFactor: 0.01 },
        clipNorm: 10,
      }),
    ],
  });
}

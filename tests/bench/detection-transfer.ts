/**
 * The same network, data, epochs and seed, once from random weights and once from COCO's: YOLOv8n on BCCD at 320 px. Every
 * seed is a pair. A run takes a quarter of an hour and more, so what was measured is kept and a run that was cut goes on.
 */
import { noAugmentation, type AugmentationConfig } from '../../src-main/contract/model/run-images.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { scenesConfig } from '../helpers/detection-run.ts';
import { phase } from '../helpers/run-config.ts';
import { bccdClasses, packBccd } from './detection-data.ts';
import { trainOrGoOn, type KeptRuns } from './kept-run.ts';

export interface TransferOptions extends KeptRuns {
  bccd: string;
  /** yolov8n.onnx */
  weights: string;
  /** For the packs. */
  folder: string;
  epochs: number;
  seeds: number;
  /** Of each split; all of them where absent. */
  images?: number;
  progress(text: string): void;
}

/** mAP50 after each epoch, a list a seed; shorter than asked for where a training is not to go on now. */
export interface TransferCurves {
  scratch: number[][];
  pretrained: number[][];
}

export async function trainOnBccd(options: TransferOptions): Promise<TransferCurves> {
  const { bccd, weights, folder, kept, only, epochs, seeds, images, progress } = options;
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
      const said = (epoch: number, ap50: number): void =>
        progress(`BCCD, seed ${seed}, ${name}: epoch ${epoch} of ${epochs}, mAP50 ${ap50.toFixed(3)}`);
      const decisive = { objects: [data.train.objects, data.evaluation.objects], weights: from?.sha256 ?? null };
      const run = { kept, only, name: `bccd-${name}`, config: recipe(epochs, seed), data, start: from, decisive, said };
      curves[name].push(await trainOrGoOn({ ...run, series: 'test/ap50' }));
    }
  }
  return curves;
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

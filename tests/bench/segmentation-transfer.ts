/**
 * The same U-Net over MobileNetV2 on the drone's images at 256 px: from random weights, from ImageNet's, and from ImageNet's
 * with the encoder frozen at first, as the chapter has it. All else is the same, and every seed is a triple.
 */
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { PhaseConfig, RunConfig } from '../../src-main/contract/model/run.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { shapesConfig, sumOf } from '../helpers/segmentation-run.ts';
import { phase } from '../helpers/run-config.ts';
import { trainOrGoOn, type KeptRuns } from './kept-run.ts';
import { packDrone } from './segmentation-data.ts';

export interface TransferOptions extends KeptRuns {
  drone: string;
  /** mobilenet_v2-imagenet-folded.safetensors */
  weights: string;
  /** For the packs. */
  folder: string;
  /** In all, and so many of them frozen where the encoder is. */
  epochs: number;
  frozenEpochs: number;
  seeds: number;
  progress(text: string): void;
}

export const transferArms = ['random', 'imagenet', 'frozenFirst'] as const;
/** Mean IoU after each epoch, a list a seed; shorter than asked for where a training is not to go on now. */
export type TransferCurves = Record<(typeof transferArms)[number], number[][]>;

/** What both need that start from these weights: they were trained so. */
export const mobilenetOptions = {
  encoder: 'mobilenet_v2',
  dropConnect: 0,
  decoderWidth: 256,
  padding: 'same',
  scaling: 'minus-one-to-one',
} as const satisfies RunConfig['model']['options'];

export const imagenetStart = async (weights: string): Promise<StartFile> => ({
  label: 'MobileNetV2, ImageNet',
  path: weights,
  sha256: await hashFile(weights, 'sha256'),
  known: { padding: 'same', scaling: 'minus-one-to-one' },
});

const learningRate = 1e-3;
const schedule = { kind: 'exponential', gamma: 0.95 } as const;

export async function trainOnDrone(options: TransferOptions): Promise<TransferCurves> {
  const { drone, weights, folder, kept, only, epochs, frozenEpochs, seeds, progress } = options;
  const data = await packDrone(drone, 256, folder);
  const start = await imagenetStart(weights);
  const whole = [phase({ epochs, learningRate, schedule })];
  const inTwo = [
    phase({ epochs: frozenEpochs, learningRate, schedule, freeze: ['encoder'] }),
    // Each phase's schedule begins anew, so the second goes on from where the first has decayed to.
    phase({ epochs: epochs - frozenEpochs, learningRate: learningRate * schedule.gamma ** frozenEpochs, schedule }),
  ];
  const arms: Record<(typeof transferArms)[number], { phases: PhaseConfig[]; from: StartFile | null }> = {
    random: { phases: whole, from: null },
    imagenet: { phases: whole, from: start },
    frozenFirst: { phases: inTwo, from: start },
  };
  const curves: TransferCurves = { random: [], imagenet: [], frozenFirst: [] };
  for (let seed = 0; seed < seeds; seed++) {
    for (const name of transferArms) {
      const { phases, from } = arms[name];
      const said = (epoch: number, meanIou: number): void =>
        progress(`drone, seed ${seed}, ${name}: epoch ${epoch} of ${epochs}, mean IoU ${meanIou.toFixed(3)}`);
      const { train, evaluation, fit } = data;
      const decisive = { train, evaluation, fit, start: from?.sha256 };
      const run = {
        kept,
        only,
        name: `drone-${name}`,
        config: recipe(phases, seed),
        data,
        start: from,
        decisive,
        said,
      };
      curves[name].push(await trainOrGoOn({ ...run, series: 'test/meanIou' }));
    }
  }
  return curves;
}

const recipe = (phases: PhaseConfig[], seed: number): RunConfig =>
  shapesConfig({
    model: { id: 'unet', options: mobilenetOptions },
    loss: sumOf(false, { kind: 'cross-entropy', classWeights: null }, { kind: 'dice', smooth: 1 }),
    augmentation: { ...noAugmentation, flipHorizontal: 0.5 },
    batchSize: 4,
    phases,
    seed,
  });

/**
 * What segmentation must show on real data: what ImageNet's weights and a frozen encoder are worth on aerial images, that a
 * training on membranes ends where PyTorch's does, and that measures of large masks are quick. The chapter's recipe has 20
 * frozen and 30 free epochs; here they are 2 and 4, so that nine runs take an hour.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realData } from '../helpers/real-data.ts';
import type { BenchContext, BenchOutcome, Figure } from './bench.ts';
import { findPython, startPeer } from './python-peer.ts';
import { trainOnMembrane } from './segmentation-peer.ts';
import { trainOnDrone, transferArms, type TransferCurves } from './segmentation-transfer.ts';

const whole = { seeds: 3, drone: { epochs: 6, frozenEpochs: 2 }, membrane: { epochs: 12 } } as const;
const quickly = { seeds: 1, drone: { epochs: 3, frozenEpochs: 1 }, membrane: { epochs: 3 } } as const;

const armNames: Readonly<Record<keyof TransferCurves, string>> = {
  random: 'random weights',
  imagenet: 'ImageNet’s encoder',
  frozenFirst: 'ImageNet’s encoder, frozen at first',
};

export async function runSegmentation(context: BenchContext): Promise<BenchOutcome> {
  const outcome: BenchOutcome = { figures: [], bars: [], notes: [] };
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-segmentation-'));
  const plan = context.quick ? quickly : whole;
  try {
    await measureSpeed(context, outcome);
    const weights = realData('weights/mobilenet_v2-imagenet-folded.safetensors');
    const [drone, membrane] = [realData('drone'), realData('membrane')];
    if (weights === null || drone === null || membrane === null) {
      outcome.notes.push('The images or the weights are not here: see FOVEA_TEST_DATA in the README.');
      return outcome;
    }
    const { kept, progress } = context;
    const shared = { weights, folder, kept, progress, seeds: plan.seeds };
    addTransfer(outcome, await trainOnDrone({ ...shared, drone, ...plan.drone }));
    const search = await findPython(['torch', 'numpy']);
    outcome.notes.push(search.found ? `Peer: PyTorch ${search.versions.torch}.` : search.mend);
    addMembrane(outcome, await trainOnMembrane({ ...shared, membrane, search, ...plan.membrane }));
    if (context.quick)
      outcome.notes.push('--quick: one seed and a half of the epochs or fewer; the bars are meant for the whole.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return outcome;
}

async function measureSpeed({ progress }: BenchContext, outcome: BenchOutcome): Promise<void> {
  const request = { images: 100, widthPx: 4000, heightPx: 3000, categories: 24 };
  progress(`the measures of ${request.images} masks of 12 megapixels`);
  const script = join(import.meta.dirname, 'pixel-measures.ts');
  const child = startPeer([process.execPath, script], script);
  try {
    const { ms } = await child.ask<{ ms: number }>(request);
    const explanation = 'every measure in six reductions, 100 masks of 4,000 × 3,000 px, 24 classes, in a process';
    add(outcome, { name: 'measuresSeconds', value: ms / 1000, explanation }, { bar: 10, direction: 'at-most' });
  } finally {
    await child.close();
  }
}

function add(
  { figures, bars }: BenchOutcome,
  figure: Figure,
  limit?: { bar: number; direction: 'at-most' | 'at-least' },
): void {
  figures.push(figure);
  if (limit) bars.push({ figure: figure.name, ...limit });
}

const last = (curve: readonly number[]): number => curve.at(-1)!;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function addTransfer(outcome: BenchOutcome, curves: TransferCurves): void {
  const finals = (arm: keyof TransferCurves): number[] => curves[arm].map(last);
  const epochs = curves.random[0]!.length;
  for (const arm of transferArms) {
    const values = finals(arm);
    const explanation = `mean IoU after ${epochs} epochs from ${armNames[arm]}, mean of ${values.length}`;
    add(outcome, { name: `${arm}MeanIou`, value: mean(values), explanation });
    outcome.notes.push(`drone, ${armNames[arm]}: ${values.map((value) => value.toFixed(3)).join(', ')}`);
    for (const [seed, curve] of curves[arm].entries())
      outcome.notes.push(`  seed ${seed}, by epoch: ${curve.map((value) => value.toFixed(3)).join(' ')}`);
  }
  for (const arm of ['imagenet', 'frozenFirst'] as const) {
    const gains = finals(arm).map((value, seed) => value - last(curves.random[seed]!));
    const explanation = `least gain over random weights of the same seed, ${armNames[arm]}`;
    // Above zero, and 0 itself is no gain.
    add(outcome, { name: `${arm}Gain`, value: Math.min(...gains), explanation }, { bar: 1e-3, direction: 'at-least' });
  }
}

function addMembrane(outcome: BenchOutcome, { ours, pytorch }: { ours: number[][]; pytorch: number[][] }): void {
  const own = mean(ours.map(last));
  const theirs = pytorch.length === 0 ? null : mean(pytorch.map(last));
  const epochs = ours[0]!.length;
  add(outcome, {
    name: 'membraneF1',
    value: own,
    explanation: `F1 of membranes after ${epochs} epochs, mean of ${ours.length}`,
  });
  add(outcome, {
    name: 'membraneF1PyTorch',
    value: theirs,
    explanation: 'the same in PyTorch, from the same first weights',
  });
  add(
    outcome,
    {
      name: 'membraneF1Off',
      value: theirs === null ? null : Math.abs(own - theirs),
      explanation: 'how far apart they are',
    },
    { bar: 0.01, direction: 'at-most' },
  );
  const inWords = (curves: number[][]): string => curves.map((curve) => last(curve).toFixed(4)).join(', ');
  outcome.notes.push(`membrane, by seed: ours ${inWords(ours)}; PyTorch ${inWords(pytorch) || 'not installed'}`);
}

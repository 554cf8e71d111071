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
import { drawCurves } from './curve-picture.ts';
import { findPython, startPeer } from './python-peer.ts';
import { trainOnMembrane, type MembraneCurves } from './segmentation-peer.ts';
import { trainOnDrone, transferArms, type TransferCurves } from './segmentation-transfer.ts';

const whole = { seeds: 3, drone: { epochs: 6, frozenEpochs: 2 }, membrane: { epochs: 12 } } as const;
const quickly = { seeds: 1, drone: { epochs: 3, frozenEpochs: 1 }, membrane: { epochs: 3 } } as const;

const armNames: Readonly<Record<keyof TransferCurves, string>> = {
  random: 'random weights',
  imagenet: 'ImageNet’s encoder',
  frozenFirst: 'ImageNet’s encoder, frozen at first',
};

/** Short enough for the end of a curve. */
const pictureNames: typeof armNames = { random: 'random', imagenet: 'ImageNet', frozenFirst: 'frozen first' };

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
    const { kept, only, pictures, progress } = context;
    const shared = { weights, folder, kept, only, progress, seeds: plan.seeds };
    const transfer = await trainOnDrone({ ...shared, drone, ...plan.drone });
    addTransfer(outcome, transfer, plan.drone.epochs);
    const arms = transferArms.map((arm) => ({ label: pictureNames[arm], curves: transfer[arm] }));
    await drawCurves(join(pictures, 'drone-mean-iou.svg'), 'mean IoU', arms);
    const search = await findPython(['torch', 'numpy']);
    outcome.notes.push(search.found ? `Peer: PyTorch ${search.versions.torch}.` : search.mend);
    const membranes = await trainOnMembrane({ ...shared, membrane, search, ...plan.membrane });
    addMembrane(outcome, membranes, plan.membrane.epochs);
    await drawCurves(join(pictures, 'membrane-f1.svg'), 'F1', [
      { label: 'ours', curves: membranes.ours },
      { label: 'PyTorch', curves: membranes.pytorch },
    ]);
    outcome.notes.push(`Curves as the app draws them: ${pictures}`);
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
/** Null of nothing. */
const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** The last value of each seed whose curve is whole, null of the others. */
const finals = (curves: readonly number[][], epochs: number): (number | null)[] =>
  curves.map((curve) => (curve.length === epochs ? last(curve) : null));

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** Null until every seed has both. */
function differences(a: readonly (number | null)[], b: readonly (number | null)[]): number[] | null {
  const found = known(a.map((value, seed) => (value === null || b[seed] == null ? null : value - b[seed])));
  return found.length === a.length ? found : null;
}

function addTransfer(outcome: BenchOutcome, curves: TransferCurves, epochs: number): void {
  for (const arm of transferArms) {
    const values = known(finals(curves[arm], epochs));
    const explanation = `mean IoU after ${epochs} epochs from ${armNames[arm]}, mean of ${values.length}`;
    add(outcome, { name: `${arm}MeanIou`, value: mean(values), explanation });
    outcome.notes.push(`drone, ${armNames[arm]}: ${values.map((value) => value.toFixed(3)).join(', ')}`);
    for (const [seed, curve] of curves[arm].entries())
      outcome.notes.push(`  seed ${seed}, by epoch: ${curve.map((value) => value.toFixed(3)).join(' ')}`);
  }
  for (const arm of ['imagenet', 'frozenFirst'] as const) {
    const gains = differences(finals(curves[arm], epochs), finals(curves.random, epochs));
    const explanation = `least gain over random weights of the same seed, ${armNames[arm]}`;
    const value = gains === null ? null : Math.min(...gains);
    // Above zero, and 0 itself is no gain.
    add(outcome, { name: `${arm}Gain`, value, explanation }, { bar: 1e-3, direction: 'at-least' });
  }
}

function addMembrane(outcome: BenchOutcome, { ours, pytorch }: MembraneCurves, epochs: number): void {
  const [own, theirs] = [mean(known(finals(ours, epochs))), mean(known(finals(pytorch, epochs)))];
  add(outcome, {
    name: 'membraneF1',
    value: own,
    explanation: `F1 of membranes after ${epochs} epochs, mean of seeds`,
  });
  add(outcome, {
    name: 'membraneF1PyTorch',
    value: theirs,
    explanation: 'the same in PyTorch, from the same first weights',
  });
  const off = pytorch.length === 0 ? null : mean(differences(finals(ours, epochs), finals(pytorch, epochs)) ?? []);
  add(
    outcome,
    { name: 'membraneF1Off', value: off === null ? null : Math.abs(off), explanation: 'how far apart they are' },
    { bar: 0.01, direction: 'at-most' },
  );
  const inWords = (curves: number[][]): string => curves.map((curve) => curve.at(-1)?.toFixed(4) ?? 'none').join(', ');
  outcome.notes.push(`membrane, by seed: ours ${inWords(ours)}; PyTorch ${inWords(pytorch) || 'not installed'}`);
}

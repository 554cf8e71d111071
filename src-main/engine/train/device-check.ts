/**
 * Checks a device: steps of small networks, one for each kind of layer, of LeNet-5 and of a detector against the same
 * steps on the CPU as built, and how fast it is beside the CPU. Every check is a step with gradients, because a provider
 * that only infers well is of no use here.
 */
import { toErrorData } from '../../contract/errors.ts';
import type { DeviceReport, ParityRow, SpeedRow } from '../../contract/model/device.ts';
import { halfPrecisionDevices, type Device, type RunConfig } from '../../contract/model/run.ts';
import { toNumbers, type Graph, type Tensor } from '../graph/types.ts';
import { planNetwork, type LayerSpec } from '../nn/network.ts';
import { newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { loopFeeds, loopOfSteps } from './example-loop.ts';
import { openGraph } from './open-graph.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork, type ExampleNetwork } from './example-step.ts';

export type ReportProgress = (step: string, done: number, total: number) => void;
/** What speeds are measured by, in ms. */
export type Clock = Pick<typeof performance, 'now'>;

/**
 * Relative errors beyond which training would suffer. CUDA multiplies matrices in TensorFloat-32 (10 bits of mantissa)
 * unless told otherwise, Core ML may compute in half precision; the others have single precision and their own order of
 * summation.
 */
export const parityTolerance: Readonly<Record<Device, number>> = {
  cpu: 1e-4,
  cuda: 5e-3,
  webgpu: 1e-3,
  dml: 1e-3,
  coreml: 5e-3,
};

const layerCheck = (name: string, layers: readonly LayerSpec[], size: readonly [number, number] = [16, 16]) =>
  ({
    name,
    label: name,
    batchSize: 2,
    size,
    plan: ([height, width]) => planNetwork(layers, [3, height, width]),
  }) satisfies ExampleNetwork;
const conv = (path: string, changes: Partial<Extract<LayerSpec, { kind: 'conv2d' }>> = {}): LayerSpec => ({
  kind: 'conv2d',
  path,
  outChannels: 8,
  kernel: 3,
  stride: 1,
  padding: 1,
  ...changes,
});

const parityChecks: readonly ({ network: ExampleNetwork } & StepShape)[] = [
  { network: layerCheck('Convolution 3×3', [conv('a'), conv('b')]) },
  { network: layerCheck('Convolution 3×3, stride 2', [conv('a'), conv('b', { stride: 2 })]) },
  { network: layerCheck('Convolution 1×1', [conv('a'), conv('b', { kernel: 1, padding: 0 })]) },
  { network: layerCheck('Max pooling', [conv('a'), { kind: 'maxPool2d', path: 'b', kernel: 2, stride: 2 }]) },
  { network: layerCheck('Batch norm', [conv('a'), { kind: 'batchNorm', path: 'b' }]) },
  { network: layerCheck('ReLU', [conv('a'), { kind: 'relu', path: 'b' }]) },
  { network: layerCheck('SiLU', [conv('a'), { kind: 'silu', path: 'b' }]) },
  {
    network: layerCheck('Linear', [
      { kind: 'flatten', path: 'a' },
      { kind: 'linear', path: 'b', outFeatures: 64 },
      { kind: 'linear', path: 'c', outFeatures: 10 },
    ]),
  },
  { network: exampleNetwork('lenet5'), batchSize: 16 },
  { network: exampleNetwork('lenet5-bn'), batchSize: 16 },
  { network: exampleNetwork('lenet5-bn'), batchSize: 16, inARow: 3 },
  { network: exampleNetwork('yolov8n'), batchSize: 2, size: [64, 64] },
];

/** Where a device gains from it: mixed precision, on networks with all kinds of layers. */
const mixedChecks = parityChecks.filter(({ network: { name } }) => name.startsWith('lenet5') || name === 'yolov8n');

/** Results that say whether gradients are right: of a step, and of steps in a row. The sum of a loss may cancel out. */
const compared = ['gradient', 'parametersNext', 'buffersNext', 'parametersAfter', 'buffersAfter'];

export async function checkDevice(
  runtime: Runtime,
  device: Device,
  report: ReportProgress,
  clock: Clock = performance,
): Promise<DeviceReport> {
  const triesMixed = halfPrecisionDevices.has(device);
  const checks = [
    ...parityChecks.map((check) => ({ ...check, precision: 'float32' }) as const),
    ...(triesMixed ? mixedChecks.map((check) => ({ ...check, precision: 'mixed' }) as const) : []),
  ];
  const total = checks.length + (triesMixed ? 3 : 2);
  const rows: Record<RunConfig['precision'], ParityRow[]> = { float32: [], mixed: [] };
  for (const [i, { network, precision, ...shape }] of checks.entries()) {
    report(`comparing ${titleOf(network, shape, precision)}`, i, total);
    rows[precision].push(await checkParity(runtime, device, network, shape, precision));
  }
  const lenet = exampleNetwork('lenet5');
  const timing = 'LeNet-5, batches of 64';
  report('timing LeNet-5', checks.length, total);
  const training = await measure(runtime, device, 'images/s', timing, () => stepsWork(lenet), clock);
  const mixedSpeeds: SpeedRow[] = [];
  if (triesMixed) {
    report('timing LeNet-5 in mixed precision', total - 2, total);
    const value = await perSecond(runtime, device, stepsWork(lenet, 'mixed'), clock).catch(() => null);
    mixedSpeeds.push({ ...training, name: `${timing}, ${mixedWords}`, value });
  }
  report('timing matrix products', total - 1, total);
  const products = await measure(runtime, device, 'GFLOP/s', 'Matrix products', matrixProducts, clock);
  report('Done', total, total);
  const { verdict, advice } = judge(device, rows.float32, training);
  const aboutMixed = verdict === 'wrong' ? '' : adviceOnMixed(rows.mixed, training, mixedSpeeds[0]);
  return {
    checkedAt: new Date().toISOString(),
    runtime: runtime.description,
    parity: [...rows.float32, ...rows.mixed],
    speed: [training, ...mixedSpeeds, products],
    verdict,
    advice: `${advice}${aboutMixed}`,
  };
}

export interface StepShape {
  batchSize?: number;
  size?: readonly [number, number];
  /** Steps in a loop that carries the weights, as training does it; a single step without a loop where absent. */
  inARow?: number | undefined;
}

const roundingsAllowed = 10;
const mixedWords = 'in mixed precision';
const titleOf = (
  { label }: ExampleNetwork,
  { inARow }: StepShape,
  precision: RunConfig['precision'] = 'float32',
): string => {
  const title = inARow === undefined ? `${label}, one step` : `${label}, ${inARow} steps in a row`;
  return precision === 'mixed' ? `${title}, ${mixedWords}` : title;
};

/**
 * Steps on the device against the CPU, which runs the graph in float32 and without onnxruntime's own rewriting. Mixed
 * precision may be ten times as wrong as float32 with weights that were rounded to half: some networks hardly notice that
 * rounding, in others a maximum falls on another pixel, and in mixed precision there are some ten roundings more on the way.
 */
export async function checkParity(
  runtime: Runtime,
  device: Device,
  network: ExampleNetwork,
  shape: StepShape,
  precision: RunConfig['precision'] = 'float32',
): Promise<ParityRow> {
  let tolerance = parityTolerance[device];
  const name = titleOf(network, shape, precision);
  try {
    const step = buildExampleStep(network, shape);
    const { inARow } = shape;
    const built = inARow === undefined ? step.graph : loopOfSteps(step.graph, inARow);
    const graph = optimise(built);
    const stepFeeds = exampleFeeds(step, 1);
    const feeds = inARow === undefined ? stepFeeds : loopFeeds(stepFeeds, inARow);
    const expected = await runOnce(runtime, graph, 'cpu', feeds, true);
    if (precision === 'mixed') {
      const rounded = await runOnce(runtime, graph, 'cpu', withHalfWeights(feeds), true);
      tolerance = Math.max(tolerance, roundingsAllowed * worstError(rounded, expected));
    }
    const tried = precision === 'mixed' ? optimise(built, { precision }) : graph;
    const error = worstError(await runOnce(runtime, tried, device, feeds, false), expected);
    return { name, tolerance, error, passed: error <= tolerance, note: null };
  } catch (error) {
    const { message, context } = toErrorData(error);
    return { name, tolerance, error: null, passed: false, note: String(context['providerError'] ?? message) };
  }
}

function worstError(actual: Readonly<Record<string, Tensor>>, expected: Readonly<Record<string, Tensor>>): number {
  const there = compared.filter((name) => expected[name]);
  return Math.max(...there.map((name) => relativeError(actual[name], expected[name]!)));
}

/** Parameters rounded to ten bits behind the point: half numbers, but for those near 0 that half rounds more coarsely. */
export function withHalfWeights(feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const round = (x: number): number => {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 10);
    return x === 0 ? 0 : Math.round(x / unit) * unit;
  };
  const rounded = Object.entries(feeds).map(([name, feed]): [string, Tensor] => [
    name,
    name.startsWith('parameters') ? { ...feed, data: (feed.data as Float32Array).map(round) } : feed,
  ]);
  return Object.fromEntries(rounded);
}

async function runOnce(
  runtime: Runtime,
  graph: Graph,
  device: Device,
  feeds: Readonly<Record<string, Tensor>>,
  unoptimised: boolean,
): Promise<Record<string, Tensor>> {
  const session = await openGraph(runtime, graph, { device, threads: 0, unoptimised });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** max|a − b| / max|b|; NaN counts as infinitely wrong. */
export function relativeError(actual: Tensor | undefined, expected: Tensor): number {
  const [a, b] = [actual ? toNumbers(actual.data) : [], toNumbers(expected.data)];
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Infinity;
    worst = Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return scale === 0 ? worst : worst / scale;
}

export interface Work {
  graph: Graph;
  feeds: Record<string, Tensor>;
  /** Images, or 10⁹ floating-point operations, of one run. */
  amount: number;
}

const stepsInARow = 4;

/** Some steps of the network in a row, whose amount is their images. */
export function stepsWork(network: ExampleNetwork, precision: RunConfig['precision'] = 'float32'): Work {
  const step = buildExampleStep(network);
  return {
    graph: optimise(loopOfSteps(step.graph, stepsInARow), { precision }),
    feeds: loopFeeds(exampleFeeds(step, 1), stepsInARow),
    amount: stepsInARow * network.batchSize,
  };
}

/** Eight products of 512 × 512 matrices in a row, so that moving data to the device and back counts little. */
function matrixProducts(): Work {
  const [side, count] = [512, 8];
  const g = newGraph('products');
  const x = g.input('x', 'float32', [side, side]);
  let product = x;
  for (let i = 0; i < count; i++) product = g.matmul(product, x);
  g.output(g.reduceMean(product, [0, 1]), 'y');
  const data = new Float32Array(side * side).fill(1 / side);
  return {
    graph: g.graph,
    feeds: { x: { dataType: 'float32', shape: [side, side], data } },
    amount: (2 * side ** 3 * count) / 1e9,
  };
}

async function measure(
  runtime: Runtime,
  device: Device,
  unit: SpeedRow['unit'],
  name: string,
  makeWork: () => Work,
  clock: Clock,
): Promise<SpeedRow> {
  const work = makeWork();
  const value = await perSecond(runtime, device, work, clock).catch(() => null);
  const cpuValue = device === 'cpu' ? value : await perSecond(runtime, 'cpu', work, clock);
  return { name, unit, value, cpuValue };
}

const measureMs = 1000;

/** Amount a second, by the median of runs over about a second, at least one, after one to warm up. */
export async function perSecond(
  runtime: Runtime,
  device: Device,
  { graph, feeds, amount }: Work,
  clock: Clock = performance,
): Promise<number> {
  const session = await openGraph(runtime, graph, { device, threads: 0 });
  try {
    await session.run(feeds);
    const times: number[] = [];
    const started = clock.now();
    while (times.length === 0 || clock.now() - started < measureMs) {
      const before = clock.now();
      await session.run(feeds);
      times.push(clock.now() - before);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
    return (amount * 1000) / median;
  } finally {
    await session.release();
  }
}

function judge(
  device: Device,
  parity: readonly ParityRow[],
  { value, cpuValue }: SpeedRow,
): Pick<DeviceReport, 'verdict' | 'advice'> {
  const failed = parity.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    const names = failed.map(({ name }) => name).join('; ');
    const differing = failed.some(({ error }) => error !== null);
    const what = differing ? 'It computes other numbers than the CPU' : 'It cannot run';
    return { verdict: 'wrong', advice: `Do not train on it. ${what}: ${names}.` };
  }
  if (device === 'cpu')
    return { verdict: 'good', advice: 'It computes right numbers. It is what every run can fall back to.' };
  const speedup = value && cpuValue ? value / cpuValue : 0;
  if (speedup > 1) {
    return {
      verdict: 'good',
      advice: `It computes the same numbers as the CPU and trains LeNet-5 ${speedup.toFixed(1)} times as fast; larger networks usually gain more.`,
    };
  }
  return {
    verdict: 'slow',
    advice: `It computes the same numbers as the CPU but trains LeNet-5 at ${Number(speedup.toPrecision(2))} times its speed. Larger networks may gain from it; for small ones use the CPU.`,
  };
}

/** A sentence to follow the verdict; nothing where it was not tried. */
function adviceOnMixed(parity: readonly ParityRow[], single: SpeedRow, mixed: SpeedRow | undefined): string {
  if (!mixed) return '';
  const failed = parity.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    const what = failed.some(({ error }) => error !== null) ? 'is wrong on it' : 'cannot run on it';
    return ` Use float32: mixed precision ${what} (${failed.map(({ name }) => name).join('; ')}).`;
  }
  const gain = mixed.value && single.value ? mixed.value / single.value : 0;
  return gain > 1
    ? ` Mixed precision is right on it and ${gain.toFixed(1)} times as fast as float32.`
    : ' Mixed precision is right on it but does not make LeNet-5 faster; larger networks may gain.';
}

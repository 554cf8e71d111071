/**
 * Networks on random weights that PyTorch has written as .pth and our own reader has read: outputs and gradients beside
 * PyTorch's in float64. Encoders are torchvision's, whole networks an independent build.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { sizeOf, tensor, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { buildNetwork, planNetwork, type NetworkPlan, type NetworkSpec } from '../../src-main/engine/nn/network.ts';
import type { NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import { preprocessings } from '../../src-main/engine/nn/preprocessing.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { openGraph } from '../../src-main/engine/train/open-graph.ts';
import { fitOf, startWeights } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { openWeights } from '../../src-main/engine/weights/open-weights.ts';
import type { TensorSource } from '../../src-main/engine/weights/tensor-source.ts';
import { lastPath } from '../../src-main/engine/zoo/blocks.ts';
import { efficientnetClassifier, type EfficientnetVariant } from '../../src-main/engine/zoo/efficientnet.ts';
import { mobilenetV2Classifier } from '../../src-main/engine/zoo/mobilenet-v2.ts';
import { resnetClassifier } from '../../src-main/engine/zoo/resnet.ts';
import { encoderIds, segmentationNetwork } from '../../src-main/engine/zoo/segmentation.ts';
import { vgg } from '../../src-main/engine/zoo/vgg.ts';
import type { Bar, BenchContext, BenchOutcome, Figure } from './bench.ts';
import { findPython, startPythonPeer } from './python-peer.ts';

const side = 64;
const categories = 7;
const bars = { output: 1e-4, gradient: 1e-3 } as const;
const preprocessing = preprocessings.imagenet;

const wholeOf = (layers: NetworkSpec['layers']): NetworkSpec => ({ layers, outputs: [lastPath(layers)] });
const efficientnet = (variant: EfficientnetVariant): NetworkSpec =>
  wholeOf(
    efficientnetClassifier(variant, categories, {
      dropConnect: 0,
      dropout: 0,
      smallImages: false,
      padding: 'symmetric',
    }),
  );
const encoders: Readonly<Record<string, () => NetworkSpec>> = {
  mobilenet_v2: () => wholeOf(mobilenetV2Classifier(categories, { dropout: 0, smallImages: false })),
  resnet18: () => wholeOf(resnetClassifier(18, categories, { smallImages: false })),
  resnet50: () => wholeOf(resnetClassifier(50, categories, { smallImages: false })),
  vgg11_bn: () => wholeOf(vgg(11, '', { batchNorm: true }).layers),
  'efficientnet-b0': () => efficientnet('b0'),
  'efficientnet-b5': () => efficientnet('b5'),
};
const names = [...Object.keys(encoders), ...Object.keys(encoders).map((encoder) => `unet ${encoder}`)];
/** The smallest of each family. */
const quickNames = ['mobilenet_v2', 'resnet18', 'efficientnet-b0', 'unet mobilenet_v2', 'unet efficientnet-b0'];

function specOf(name: string): NetworkSpec {
  const [, wanted] = /^unet (.*)$/.exec(name) ?? [];
  const encoder = encoderIds.find((id) => id === wanted);
  return encoder ? segmentationNetwork('unet', encoder, categories, { dropConnect: 0 }) : encoders[name]!();
}

interface PeerAnswer {
  parameters: number;
  output32: number;
  gradient32: number;
}

export async function runWeights({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const search = await findPython(['torch', 'torchvision']);
  const chosen = quick ? quickNames : names;
  if (!search.found) return outcomeOf(chosen, new Map(), [search.mend]);
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-weights-'));
  const peer = startPythonPeer(search.python, join(import.meta.dirname, 'weights_peer.py'));
  const runtime = new OnnxRuntime();
  const measured = new Map<string, Measured>();
  const notes = [
    `PyTorch ${search.versions.torch}, torchvision ${search.versions.torchvision}; batches of 4 at ${side} px.`,
    'torchvision’s EfficientNet-B0 is given the original’s ε of 1e-3 in its norms.',
  ];
  try {
    for (const name of chosen) {
      progress(name);
      const files = { weights: join(folder, 'weights.pth'), results: join(folder, 'results.pth') };
      const { output32, gradient32 } = await peer.ask<PeerAnswer>({ network: name, ...files });
      const found = await compare(runtime, specOf(name), files);
      measured.set(name, found);
      notes.push(
        `${name}: PyTorch float32’s own errors are ${output32.toExponential(1)} and ${gradient32.toExponential(1)}; ${found.loaded} tensors loaded.`,
      );
    }
  } finally {
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
  return outcomeOf(chosen, measured, notes);
}

interface Measured {
  output: number;
  gradient: number;
  loaded: string;
}

function outcomeOf(chosen: readonly string[], measured: ReadonlyMap<string, Measured>, notes: string[]): BenchOutcome {
  const figures: Figure[] = [];
  const judged: Bar[] = [];
  for (const name of chosen) {
    for (const kind of ['output', 'gradient'] as const) {
      const figure = `${name} ${kind}`.replace(/[ _-](\w)/g, (_, letter: string) => letter.toUpperCase());
      const explanation = `${name}: worst ${kind} off PyTorch float64, over the largest`;
      figures.push({ name: figure, value: measured.get(name)?.[kind] ?? null, explanation });
      judged.push({ figure, bar: bars[kind], direction: 'at-most' });
    }
  }
  return { figures, bars: judged, notes };
}

async function compare(
  runtime: OnnxRuntime,
  spec: NetworkSpec,
  files: { weights: string; results: string },
): Promise<Measured> {
  const plan = planNetwork(spec.layers, [3, side, side], spec.outputs);
  const { tensors, provenance } = await startWeights({
    file: {
      label: 'random',
      path: files.weights,
      sha256: await hashFile(files.weights, 'sha256'),
      known: { padding: null, scaling: null },
    },
    plan,
    preprocessing,
    config: { seed: 0, device: 'cpu' },
    data: { categories: [], packs: [], train: noImages, evaluation: noImages },
    runtime,
    threads: 0,
    signal: new AbortController().signal,
  });
  const { loaded, total } = provenance.fit;
  const results = await openWeights(files.results);
  try {
    const images = await results.read('images');
    const upstream = await results.read('upstream');
    const ours = await compute(runtime, plan, tensors, images, upstream);
    const output = distance(ours.output, await results.read('output'), 0);
    const gradient = await worstGradient(plan, ours.gradients, results);
    return { output, gradient, loaded: `${loaded} of ${total}` };
  } finally {
    await results.close();
  }
}

const noImages = { imageIds: [], packs: [], rows: [], labels: [] };

/** PyTorch's gradients are named like its tensors, and find their places as those do; an unused weight has none. */
async function worstGradient(
  plan: NetworkPlan,
  ours: ReadonlyMap<string, Float32Array>,
  results: TensorSource,
): Promise<number> {
  const prefix = 'gradients.';
  const theirs = results.tensors
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, ...rest }) => ({ name: name.slice(prefix.length), ...rest }));
  const { sources } = fitOf({ plan, preprocessing }, { tensors: theirs, metadata: {} });
  const wanted = new Map<string, Float32Array>();
  for (const [name, source] of sources) wanted.set(name, await results.read(prefix + source));
  if (wanted.size !== theirs.length) return Infinity;
  const least = Math.max(...[...wanted.values()].map(largestOf)) / 100;
  const distances = [...ours].map(([name, values]) => distance(values, wanted.get(name) ?? values.map(() => 0), least));
  return Math.max(...distances);
}

const largestOf = (values: Float32Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

function distance(ours: Float32Array, theirs: Float32Array, least: number): number {
  if (ours.length !== theirs.length) return Infinity;
  const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
  return worst / Math.max(largestOf(theirs), least);
}

/** Outputs with running statistics; gradients of mean(output · upstream) with the batch's. */
async function compute(
  runtime: OnnxRuntime,
  plan: NetworkPlan,
  tensors: NamedTensors,
  images: Float32Array,
  upstream: Float32Array,
): Promise<{ output: Float32Array; gradients: Map<string, Float32Array> }> {
  const trained = plan.parameters.filter(({ fixed }) => !fixed);
  const run = async (mode: 'inference' | 'training'): Promise<Record<string, Tensor>> => {
    const g = newGraph(mode);
    const shape = [images.length / sizeOf(plan.inputShape), ...plan.inputShape];
    const bytes = g.input('bytes', 'uint8', shape);
    const all = [...plan.parameters, ...plan.buffers];
    const values = new Map<string, Value>(all.map(({ name, shape: own }) => [name, g.input(name, 'float32', own)]));
    const [output] = buildNetwork(
      plan,
      g,
      { bytes, preprocessing },
      {
        mode,
        tensor: (name) => values.get(name)!,
        updateBuffer: () => undefined,
        step: null,
        seed: 0,
      },
    );
    if (mode === 'inference') g.output(output, 'output');
    else {
      const factors = g.input('upstream', 'float32', output.shape);
      const axes = output.shape.map((_, axis) => axis);
      const loss = g.reduceMean(g.mul(output, factors), axes);
      const wanted = trained.map(({ name }) => values.get(name)!);
      gradients(g, loss, wanted).forEach((gradient, i) =>
        g.output(gradient ?? g.float(0, trained[i]!.shape), `gradient ${trained[i]!.name}`),
      );
    }
    const graph = optimise(g.graph);
    const read = new Set(graph.inputs.map(({ name }) => name));
    const session = await openGraph(runtime, graph, { device: 'cpu', threads: 0 });
    const feeds: Record<string, Tensor> = {
      bytes: tensor('uint8', shape, images),
      upstream: { dataType: 'float32', shape: output.shape, data: upstream },
      ...Object.fromEntries(
        all.map(({ name, shape: own }): [string, Tensor] => [
          name,
          { dataType: 'float32', shape: own, data: tensors.get(name)! },
        ]),
      ),
    };
    try {
      return await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name))));
    } finally {
      await session.release();
    }
  };
  const output = (await run('inference'))['output']!.data as Float32Array;
  const found = await run('training');
  return {
    output,
    gradients: new Map(trained.map(({ name }) => [name, found[`gradient ${name}`]!.data as Float32Array])),
  };
}

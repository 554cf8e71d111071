/**
 * The networks of the zoo against PyTorch in float64, on small images: outputs, the gradient by every weight, and the
 * running statistics after the step. No tensor may be further off than three times the worst of PyTorch's own float32 in
 * that network (or 1e-5).
 */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { sizeOf, tensor, type Shape, type Value } from '../../src-main/engine/graph/types.ts';
import {
  buildNetwork,
  planNetwork,
  type LayerSpec,
  type NetworkPlan,
  type NetworkSpec,
} from '../../src-main/engine/nn/network.ts';
import { moveBuffers, type BufferMove } from '../../src-main/engine/nn/moving-buffers.ts';
import { FlatLayout, initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise, type PassOptions } from '../../src-main/engine/passes/index.ts';
import type { ChooseFormulation } from '../../src-main/engine/passes/lower.ts';
import { channelBlockOf } from '../../src-main/engine/tuner/channel-block.ts';
import { lastPath } from '../../src-main/engine/zoo/blocks.ts';
import { efficientnetClassifier } from '../../src-main/engine/zoo/efficientnet.ts';
import { mobilenetV2Classifier } from '../../src-main/engine/zoo/mobilenet-v2.ts';
import { resnetClassifier } from '../../src-main/engine/zoo/resnet.ts';
import { segmentationNetwork } from '../../src-main/engine/zoo/segmentation.ts';
import { vgg } from '../../src-main/engine/zoo/vgg.ts';
import { yolov8 } from '../../src-main/engine/zoo/yolov8.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, runGraph, runtime, type Feeds, type Results } from '../helpers/engine-run.ts';
import { distance, drawn, parameterValues, type DrawnParameter, type Sampled } from '../helpers/golden-network.ts';

interface GoldenNetwork {
  name: string;
  side: number;
  batch: number;
  imageSeed: number;
  upstreamSeed: number;
  parameters: DrawnParameter[];
  outputs: (Sampled & { shape: number[] })[];
  gradients: Record<string, Sampled>;
  buffers: Record<string, Sampled>;
}

const golden = readGolden<{ networks: GoldenNetwork[] }>('networks.json');
const bar = 1e-5;

const classifier = (layers: readonly LayerSpec[]): NetworkSpec => ({ layers, outputs: [lastPath(layers)] });
const categories = 7;
const vggStages = vgg(11, '', { batchNorm: true });

const rareLayers: LayerSpec[] = [
  { kind: 'conv2d', path: 'conv', outChannels: 8, kernel: 3, stride: 1, padding: 2, dilation: 2 },
  { kind: 'conv2d', path: 'grouped', outChannels: 12, kernel: 3, stride: 1, padding: 1, groups: 4, bias: false },
  { kind: 'layerNorm', path: 'norm', epsilon: 1e-6 },
  { kind: 'gelu', path: 'gelu' },
  { kind: 'averagePool2d', path: 'pool', kernel: 3, stride: 2, padding: 1 },
  { kind: 'convTranspose2d', path: 'up', outChannels: 6, kernel: 4, stride: 2, padding: 1 },
  { kind: 'hardSwish', path: 'hardSwish' },
  { kind: 'upsample', path: 'larger', factor: 3, mode: 'bilinear' },
  { kind: 'adaptiveAveragePool2d', path: 'parts', size: 7 },
  { kind: 'flatten', path: 'flatten' },
  { kind: 'linear', path: 'fc', outFeatures: 20, bias: false },
  { kind: 'layerNorm', path: 'norm2' },
  { kind: 'linear', path: 'fc2', outFeatures: categories },
  { kind: 'sigmoid', path: 'sigmoid' },
];

/** What draws random numbers is left out. */
const networks: Record<string, NetworkSpec> = {
  yolov8n: yolov8('n', categories),
  resnet18: classifier(resnetClassifier(18, categories, { smallImages: false })),
  resnet50: classifier(resnetClassifier(50, categories, { smallImages: false })),
  'vgg11_bn stages': { layers: vggStages.layers, outputs: vggStages.stages },
  mobilenet_v2: classifier(mobilenetV2Classifier(categories, { dropout: 0, smallImages: false })),
  'efficientnet-b0': classifier(
    efficientnetClassifier('b0', categories, { dropConnect: 0, dropout: 0, smallImages: false }),
  ),
  'unet mobilenet_v2': segmentationNetwork('unet', 'mobilenet_v2', categories),
  'unet vgg11_bn': segmentationNetwork('unet', 'vgg11_bn', categories),
  'unetPlusPlus resnet18': segmentationNetwork('unetPlusPlus', 'resnet18', categories),
  'rare layers': classifier(rareLayers),
  'fpn efficientnet-b0': segmentationNetwork('fpn', 'efficientnet-b0', categories, { dropConnect: 0, dropout: 0 }),
};

/** Those that are also tried with onnxruntime's blocked convolutions, as a run on a CPU has them. */
const triedInBlocks: ReadonlySet<string> = new Set(['yolov8n', 'unet mobilenet_v2', 'unetPlusPlus resnet18']);
/** null where this processor has none. */
const channelBlock = await channelBlockOf(runtime, 'cpu');

/** Those that are also tried with fewer products in every convolution of 3×3, which the rules leave to larger images. */
const triedFiltered: ReadonlySet<string> = new Set(['yolov8n', 'resnet18', 'vgg11_bn stages', 'unetPlusPlus resnet18']);

/** Outputs, gradients of Σ mean(output · upstream), and running statistics after the step. */
async function step(
  plan: NetworkPlan,
  { side, batch, imageSeed, upstreamSeed, parameters }: GoldenNetwork,
  options: PassOptions,
): Promise<Results> {
  const g = newGraph('network');
  const imageShape = [batch, 3, side, side];
  const bytes = g.input('bytes', 'uint8', imageShape);
  const tensors = new Map<string, Value>(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, g.input(name, 'float32', shape)]),
  );
  const buffers = new FlatLayout(plan.buffers);
  const moves = new Map<string, BufferMove>();
  const outputs = buildNetwork(
    plan,
    g,
    { bytes, preprocessing: { range: [0, 1], mean: 0.5, std: 0.5 } },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: (name, move) => moves.set(name, move),
      step: null,
      seed: 0,
    },
  );
  outputs.forEach((output, i) => g.output(output, `output ${i}`));
  if (buffers.length > 0) {
    const flat = g.concat(
      plan.buffers.map(({ name }) => tensors.get(name)!),
      0,
    );
    const pieces = g.split(
      moveBuffers(g, buffers, flat, moves),
      buffers.entries.map(({ length }) => length),
      0,
    );
    plan.buffers.forEach(({ name }, i) => g.output(pieces[i]!, `buffer ${name}`));
  }
  const upstreams = outputs.map((output, i) => g.input(`upstream ${i}`, 'float32', output.shape));
  const loss = outputs
    .map((output, i) =>
      g.reduceMean(
        g.mul(output, upstreams[i]!),
        output.shape.map((_, axis) => axis),
      ),
    )
    .reduce((a, b) => g.add(a, b));
  const trained = plan.parameters.filter(({ fixed }) => !fixed);
  gradients(
    g,
    loss,
    trained.map(({ name }) => tensors.get(name)!),
  ).forEach((gradient, i) => g.output(gradient ?? g.float(0, trained[i]!.shape), `gradient ${trained[i]!.name}`));

  const fresh = initialise(
    plan.parameters.filter(({ fixed }) => fixed),
    plan.buffers,
    0,
  );
  const feeds: Feeds = {
    bytes: tensor(
      'uint8',
      imageShape,
      drawn(imageSeed, sizeOf(imageShape), (u) => Math.floor(u * 256)),
    ),
    ...Object.fromEntries([...fresh].map(([name, values]) => [name, floats(tensors.get(name)!.shape, values)])),
    ...Object.fromEntries(
      parameters
        .filter(({ kind }) => kind !== 'fixed')
        .map((parameter) => [parameter.name, floats(parameter.shape, parameterValues(parameter))]),
    ),
    ...Object.fromEntries(
      upstreams.map(({ name, shape }, i) => [
        name,
        floats(
          shape,
          drawn(upstreamSeed + i, sizeOf(shape), (u) => 2 * u - 1),
        ),
      ]),
    ),
  };
  return runGraph(optimise(g.graph, options), feeds);
}

describe.each(golden.networks.map((network) => [network.name, network] as const))('%s', (name, wanted) => {
  const { layers, outputs } = networks[name]!;
  const plan = planNetwork(layers, [3, wanted.side, wanted.side], outputs);

  test('has the parameters and buffers of the reference', () => {
    const shapes = (tensors: readonly { name: string; shape: Shape }[]): Record<string, Shape> =>
      Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
    expect(shapes(plan.parameters)).toEqual(shapes(wanted.parameters));
    expect(plan.buffers.map((buffer) => buffer.name).sort()).toEqual(Object.keys(wanted.buffers).sort());
  });

  test('outputs, gradients and running statistics', async () => {
    expectClose(await step(plan, wanted, {}), wanted);
  });

  test.runIf(triedInBlocks.has(name) && channelBlock !== null)('the same in blocks of channels', async () => {
    expectClose(await step(plan, wanted, { channelBlock }), wanted);
  });

  test.runIf(triedFiltered.has(name))('the same with fewer products', async () => {
    let count = 0;
    const choose: ChooseFormulation = (_, applicable) => {
      if (!applicable.includes('winograd')) return applicable[0]!;
      count++;
      return 'winograd';
    };
    expectClose(await step(plan, wanted, { channelBlock, choose }), wanted);
    expect(count).toBeGreaterThan(0);
  });
});

function expectClose(results: Results, wanted: GoldenNetwork): void {
  const shapes = wanted.outputs.map((_, i) => results[`output ${i}`]!.shape);
  expect(shapes).toEqual(wanted.outputs.map(({ shape }) => shape));
  const outputs = Object.fromEntries(wanted.outputs.map((output, i) => [i, output]));
  for (const [kind, tensors] of Object.entries({
    output: outputs,
    gradient: wanted.gradients,
    buffer: wanted.buffers,
  })) {
    const errors = Object.entries(tensors).map(([key, sampled]) => ({
      key,
      error: distance(numbersOf(results, `${kind} ${key}`), sampled),
    }));
    const torchWorst = Math.max(...Object.values(tensors).map(({ torch32 }) => torch32));
    const limit = Math.max(bar, 3 * torchWorst);
    expect(
      errors.filter(({ error }) => !(error <= limit)),
      `${kind}: PyTorch's own worst is ${torchWorst}`,
    ).toEqual([]);
  }
}

afterAll(() => expect(runtime.liveSessions).toBe(0));

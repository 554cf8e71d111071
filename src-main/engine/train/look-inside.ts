/**
 * Looks into a trained network while it sees images of its evaluation split: how the values of each layer are spread, and
 * the feature maps of one of them. The layers become outputs of the graph that evaluates.
 */
import { FoveaError } from '../../contract/errors.ts';
import type { FeatureMaps, LayerActivations, NetworkInside } from '../../contract/model/network-inside.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import { SplitImages } from '../data/split-images.ts';
import { sizeOf, tensor, type Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { openGraph } from './open-graph.ts';
import { buildInferenceGraph } from './step-graph.ts';
import { openTrained, type TrainedNetwork } from './trained-network.ts';
import { TrainingState } from './training-state.ts';

export interface InsideRequest {
  /** The run's folder. */
  folder: string;
  checkpoint: CheckpointName;
  /** Feature maps of this layer on this image; null: the spread of every layer over some images. */
  maps: { layer: string; imageId: number } | null;
}
export type InsideAnswer = { kind: 'spread'; inside: NetworkInside } | { kind: 'maps'; maps: FeatureMaps };

const mostImages = 32;
/** Of all layers together, at once: 256 MB. */
const mostValues = 64 * 2 ** 20;
export const histogramBins = 60;

/** Throws FoveaError `not-found` where there is no checkpoint, no such image or no such layer. */
export async function lookInside(runtime: Runtime, { folder, checkpoint, maps }: InsideRequest): Promise<InsideAnswer> {
  const trained = await openTrained(folder, checkpoint);
  const { data, plan, epoch } = trained;
  if (maps !== null) {
    const layer = plan.layers.find(({ spec }) => spec.path === maps.layer);
    if (layer === undefined)
      throw new FoveaError('not-found', `The network has no layer “${maps.layer}”.`, { layer: maps.layer });
    const place = data.evaluation.imageIds.indexOf(maps.imageId);
    if (place < 0)
      throw new FoveaError('not-found', `The run was not measured by image ${maps.imageId}.`, {
        imageId: maps.imageId,
      });
    const [values] = await activations(runtime, trained, [maps.layer], [place]);
    return { kind: 'maps', maps: mapsOf(maps.layer, layer.outputShape, values!) };
  }
  const perImage = plan.layers.reduce((sum, { outputShape }) => sum + sizeOf(outputShape), 0);
  const count = Math.max(1, Math.min(mostImages, data.evaluation.rows.length, Math.floor(mostValues / perImage)));
  // Spread over the split, which may be sorted by class.
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * data.evaluation.rows.length) / count));
  const paths = plan.layers.map(({ spec }) => spec.path);
  const values = await activations(runtime, trained, paths, places);
  const layers = plan.layers.map(({ spec, sources, outputShape }, i): LayerActivations => ({
    path: spec.path,
    kind: spec.kind,
    shape: [...outputShape],
    sources: [...sources],
    ...spreadOf(values[i]!),
  }));
  return {
    kind: 'spread',
    inside: { epoch, imageIds: places.map((place) => data.evaluation.imageIds[place]!), layers },
  };
}

/** Of each layer, [images, …output shape]. */
async function activations(
  runtime: Runtime,
  { config, data, plan, preprocessing, task, tensors }: TrainedNetwork,
  paths: readonly string[],
  places: readonly number[],
): Promise<Float32Array[]> {
  const state = new TrainingState(plan, config, config.phases[0]!, { tensors, averages: null, slots: new Map() });
  const batchSize = places.length;
  const opened: NetworkPlan = { ...plan, outputs: paths as unknown as NetworkPlan['outputs'] };
  const images = await SplitImages.open(data.evaluation, data.packs);
  try {
    const imageCount = images.feedRows(batchSize);
    const graph = buildInferenceGraph({
      plan: opened,
      layout: state.layout,
      preprocessing,
      task: {
        label: task.label,
        evaluationResults: (g, outputs) =>
          // A copy each: an output of the graph may not be what another one is made from under a second name.
          Object.fromEntries(outputs.map((value, i) => [`layer${i}`, g.op('Identity', [value])])),
      },
      imageCount,
      batchSize,
    });
    const session = await openGraph(runtime, graph, { device: config.device, threads: 0 });
    try {
      const feed = await images.feed(places, batchSize);
      const results: Readonly<Record<string, Tensor>> = await session.run({
        ...state.inferenceFeeds(),
        images: tensor('uint8', [imageCount, ...images.imageShape], feed.images),
        indices: tensor('int64', [batchSize], Array.from(feed.rows)),
      });
      return paths.map((_, i) => Float32Array.from(results[`layer${i}`]!.data as Float32Array));
    } finally {
      await session.release();
    }
  } finally {
    await images.close();
  }
}

/** Mean, deviation, extremes and a histogram between them. */
export function spreadOf(
  values: Float32Array,
): Pick<LayerActivations, 'mean' | 'deviation' | 'min' | 'max' | 'zeros' | 'histogram'> {
  let [sum, min, max, zeros] = [0, Infinity, -Infinity, 0];
  for (const value of values) {
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
  }
  const mean = sum / values.length;
  let squares = 0;
  const histogram = new Uint32Array(histogramBins);
  const scale = max > min ? histogramBins / (max - min) : 0;
  for (const value of values) {
    squares += (value - mean) ** 2;
    histogram[Math.min(histogramBins - 1, Math.floor((value - min) * scale))]!++;
  }
  return { mean, deviation: Math.sqrt(squares / values.length), min, max, zeros: zeros / values.length, histogram };
}

function mapsOf(layer: string, outputShape: readonly number[], values: Float32Array): FeatureMaps {
  const [channels = 1, height = 1, width = 1] = outputShape;
  const area = height * width;
  const bytes = new Uint8Array(values.length);
  const limits = new Float32Array(channels * 2);
  for (let channel = 0; channel < channels; channel++) {
    const own = values.subarray(channel * area, (channel + 1) * area);
    const { min, max } = spreadOf(own);
    limits.set([min, max], channel * 2);
    const scale = max > min ? 255 / (max - min) : 0;
    own.forEach((value, i) => (bytes[channel * area + i] = Math.round((value - min) * scale)));
  }
  return { layer, shape: [channels, height, width], values: bytes, limits };
}

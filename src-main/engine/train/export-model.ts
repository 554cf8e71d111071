/**
 * A trained network as a file for other programs: an .onnx model that is fed float32 RGB images [N, 3, H, W] from 0 to 1, with
 * ONNX's own operators only, or a .safetensors file with its weights. What an .onnx model gives is compared with what the app's
 * own graph gives on images of the evaluation split before the file is called good.
 */
import { stat } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { ExportCheck, ExportForm, ExportPrecision } from '../../contract/model/run-export.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import { SplitImages } from '../data/split-images.ts';
import { writeModel } from '../graph/onnx-model.ts';
import { tensor, type Graph, type Shape, type Tensor, type Value } from '../graph/types.ts';
import { buildNetwork, tensorShapes } from '../nn/network.ts';
import { newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import { standardOperators } from '../passes/standard-operators.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';
import { floatToHalf } from '../weights/half-float.ts';
import { writeSafetensors, type Tensor as StoredTensor } from '../weights/safetensors.ts';
import { lookInTiles } from './look-in-tiles.ts';
import { openGraph } from './open-graph.ts';
import { buildInferenceGraph } from './step-graph.ts';
import { compareWholeNumbers, type Results, type TileResults } from './tasks/definition.ts';
import { openTrained, type TrainedNetwork } from './trained-network.ts';
import { TrainingState } from './training-state.ts';

export interface ExportRequest {
  /** The run's. */
  folder: string;
  checkpoint: CheckpointName;
  /** Absolute path; what is there is replaced. */
  file: string;
  form: ExportForm;
}

export interface ExportAnswer {
  sizeBytes: number;
  /** Null where there was nothing to compare. */
  check: ExportCheck | null;
}

type OnnxForm = Extract<ExportForm, { format: 'onnx' }>;

/** Images that the check looks at. */
const checkedImages = 4;
/** Worst difference over the largest number, and the share of decisions that may fall the other way by rounding. */
const tolerances = { worst: 1e-4, different: 1e-3 } as const;

/** Throws FoveaError `not-found`, `bad-input`, `io`, `invalid-request`; `internal` where the model gives something else than the app. */
export async function exportModel(runtime: Runtime, request: ExportRequest): Promise<ExportAnswer> {
  const { folder, checkpoint, file, form } = request;
  const trained = await openTrained(folder, checkpoint);
  if (form.format === 'safetensors') {
    await writeWeights(file, trained, form.precision);
    return { sizeBytes: (await stat(file)).size, check: null };
  }
  if (form.decisions && form.batchSize !== 1)
    throw new FoveaError('invalid-request', 'Decisions are exported for one image at a time: set the batch to 1.');
  const model = writeModel(buildExport(trained, form), metadataOf(trained));
  const check = await compare(runtime, trained, form, model);
  if (!check.ok)
    throw new FoveaError(
      'internal',
      `The exported model gives other results than the app (off by ${check.worst.toExponential(1)} of the largest, ${check.different} of ${check.decisions} decisions and ${check.tiled?.different ?? 0} of ${check.tiled?.pixels ?? 0} pixels in tiles differ), so it was not written.`,
    );
  await writeFileAtomic(file, [model]);
  return { sizeBytes: model.length, check };
}

const inputName = 'images';

function buildExport(trained: TrainedNetwork, { decisions, batchSize }: OnnxForm): Graph {
  const { plan, preprocessing, task, tensors } = trained;
  const g = newGraph('fovea');
  const images = g.input(inputName, 'float32', [batchSize, ...plan.inputShape]);
  const shapes = tensorShapes(plan);
  const weights = new Map([...shapes].map(([name, shape]) => [name, g.input(name, 'float32', shape)]));
  const outputs = buildNetwork(
    plan,
    g,
    { bytes: images, preprocessing, white: 1 },
    {
      mode: 'inference',
      tensor: (name) => weights.get(name)!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    },
  );
  const results = decisions ? task.exported.decided(g, outputs) : task.exported.raw(g, outputs);
  for (const [name, value] of Object.entries(results)) g.output(value, name);
  const graph = withWeights(standardOperators(optimise(g.graph)), tensors);
  return decisions ? (task.exported.complete?.(graph) ?? graph) : graph;
}

/** Weights were inputs while the graph was built, so that they keep their names. */
function withWeights(graph: Graph, tensors: TrainedNetwork['tensors']): Graph {
  const isImages = ({ name }: Value): boolean => name === inputName;
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs.map((value) => value?.name)));
  const constants = graph.inputs
    .filter((value) => !isImages(value) && read.has(value.name))
    .map((value): Value => ({ ...value, constant: tensor('float32', value.shape, tensors.get(value.name)!) }));
  return {
    ...graph,
    inputs: graph.inputs.filter(isImages),
    initializers: [...graph.initializers, ...constants],
  };
}

/** Names of the classes as other programs look for them, and what the model is. */
function metadataOf({ config, data, plan, epoch }: TrainedNetwork): Record<string, string> {
  const [, height, width] = plan.inputShape;
  return {
    producer: 'fovea',
    task: config.task,
    model: JSON.stringify(config.model),
    names: JSON.stringify(Object.fromEntries(data.categories.map((name, ordinal) => [ordinal, name]))),
    imgsz: JSON.stringify([height, width]),
    fit: data.fit ?? 'none',
    epoch: String(epoch),
  };
}

async function writeWeights(file: string, trained: TrainedNetwork, precision: ExportPrecision): Promise<void> {
  const { plan, tensors } = trained;
  const stored = new Map(
    [...tensorShapes(plan)].map(([name, shape]): [string, StoredTensor] => {
      const data = tensors.get(name)!;
      return [
        name,
        precision === 'float16'
          ? { dtype: 'F16', shape, data: Uint16Array.from(data, floatToHalf) }
          : { dtype: 'F32', shape, data },
      ];
    }),
  );
  await writeSafetensors(file, stored, { format: 'pt', ...metadataOf(trained) });
}

/** Runs both on images of the evaluation split, bytes into ours and the same bytes over 255 into the exported one. */
async function compare(
  runtime: Runtime,
  trained: TrainedNetwork,
  { decisions, batchSize }: OnnxForm,
  model: Uint8Array,
): Promise<ExportCheck> {
  const { data, task, plan } = trained;
  const images = await SplitImages.open(data.evaluation, data.packs, 0);
  const sessions: Session[] = [];
  try {
    const exported = await runtime.createSession(model, { device: 'cpu', threads: 0 });
    sessions.push(exported);
    const { tensors, config } = trained;
    const state = new TrainingState(plan, config, config.phases[0]!, { tensors, averages: null, slots: new Map() });
    const own = await openGraph(runtime, ownGraph(trained, state, batchSize), { device: 'cpu', threads: 0 });
    sessions.push(own);
    const sums = { images: 0, worst: 0, decisions: 0, different: 0 };
    const shape = [batchSize, ...plan.inputShape];
    const lookOutside = (bytes: Uint8Array): Promise<Results> => {
      const floats = Float32Array.from(bytes, (byte) => byte / 255);
      return exported.run({ [inputName]: tensor('float32', shape, floats) });
    };
    const lookInside = (bytes: Uint8Array, rows: ArrayLike<number>): Promise<Results> =>
      own.run({
        ...state.inferenceFeeds(),
        images: tensor('uint8', shape, bytes),
        indices: tensor('int64', [batchSize], Array.from(rows)),
      });
    for (let first = 0; first < Math.min(checkedImages, images.count); first += batchSize) {
      const positions = Array.from({ length: batchSize }, (_, i) => Math.min(first + i, images.count - 1));
      const { images: bytes, rows } = await images.feed(positions);
      const results = await lookOutside(bytes);
      const raw = await lookInside(bytes, rows);
      if (decisions) {
        const counts = task.exported.compare(raw, results);
        sums.decisions += counts.decisions;
        sums.different += counts.different;
      } else {
        for (const [name, value] of Object.entries(raw))
          sums.worst = Math.max(sums.worst, apart(value, results[name]!));
      }
      sums.images += batchSize;
    }
    const inTiles = decisions || batchSize > 1 ? undefined : task.exported.tiles;
    const { images: first } = await images.feed([0]);
    const tiled = inTiles
      ? await compareTiles(inTiles, plan.inputShape, first, {
          outside: lookOutside,
          inside: (bytes) => lookInside(bytes, [0]),
        })
      : null;
    const { worst, decisions: all, different } = sums;
    const isFew = (wrong: number, of: number): boolean => wrong <= tolerances.different * of;
    const ok = worst <= tolerances.worst && isFew(different, all) && isFew(tiled?.different ?? 0, tiled?.pixels ?? 0);
    return { ...sums, tolerance: tolerances.worst, tiled, ok };
  } finally {
    await Promise.all([...sessions.map((session) => session.release()), images.close()]);
  }
}

type Look = (bytes: Uint8Array) => Promise<Results>;

/** An image of twice the input's sides, four times the same beside itself, in tiles that overlap by a quarter. bytes: [C, H, W]. */
async function compareTiles(
  results: TileResults,
  inputShape: Shape,
  bytes: Uint8Array,
  { outside, inside }: Record<'outside' | 'inside', Look>,
): Promise<{ pixels: number; different: number }> {
  const [channels, heightPx, widthPx] = inputShape as [number, number, number];
  const network = { widthPx, heightPx };
  const size = { widthPx: 2 * widthPx, heightPx: 2 * heightPx };
  const planes = new Uint8Array(4 * bytes.length);
  for (let row = 0; row < channels * heightPx; row++) {
    const [channel, y] = [Math.floor(row / heightPx), row % heightPx];
    const line = bytes.subarray(row * widthPx, (row + 1) * widthPx);
    for (const down of [0, heightPx]) {
      const at = (channel * size.heightPx + down + y) * size.widthPx;
      planes.set(line, at);
      planes.set(line, at + widthPx);
    }
  }
  const image = { planes, size, network, tiles: { overlap: 0.25 } };
  const look = async (one: Look): Promise<Uint8Array> => {
    const looker = { batchSize: 1, look: async (tile: Uint8Array) => [await one(tile)] };
    return (await lookInTiles(looker, results, image)).predicted;
  };
  const { decisions, different } = compareWholeNumbers(await look(inside), await look(outside));
  return { pixels: decisions, different };
}

/** What the app evaluates with, up to the raw results. */
function ownGraph({ plan, preprocessing, task }: TrainedNetwork, { layout }: TrainingState, batchSize: number): Graph {
  return buildInferenceGraph({
    plan,
    layout,
    preprocessing,
    task: { label: task.label, evaluationResults: (g, outputs) => task.exported.raw(g, outputs) },
    imageCount: batchSize,
    batchSize,
  });
}

/** Worst difference over the largest number. */
function apart(wanted: Tensor, got: Tensor): number {
  const [a, b] = [wanted.data as Float32Array, got.data as Float32Array];
  let [largest, worst] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]!));
    worst = Math.max(worst, Number.isFinite(b[i]!) ? Math.abs(a[i]! - b[i]!) : Infinity);
  }
  return largest === 0 ? worst : worst / largest;
}

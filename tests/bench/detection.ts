/**
 * What detection must be able to: YOLOv8n with real weights computes what onnxruntime computes from the file, our evaluator
 * gives the measures that others gave for them, a fresh YOLOv8n learns eight photographs by heart, and the measures of 5,000
 * images take a fraction of the time of plain NumPy. The whole bench also trains on BCCD, which takes hours.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import type { BboxXyxy } from '../../src-main/contract/geometry/box.ts';
import { placementOf, toImage } from '../../src-main/engine/data/letterbox.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { cocoMeasures, type CocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';
import type { Detections, GroundTruths } from '../../src-main/engine/metrics/detection-pairs.ts';
import { DetectionTable, groundTruthTable, validationSettings } from '../../src-main/engine/metrics/detection-table.ts';
import { candidatesOf } from '../../src-main/contract/geometry/non-max-suppression.ts';
import type { NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';
import { openGraph } from '../../src-main/engine/train/open-graph.ts';
import { startWeights } from '../../src-main/engine/train/start-weights.ts';
import { buildInferenceGraph } from '../../src-main/engine/train/step-graph.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { TrainingState } from '../../src-main/engine/train/training-state.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import { scenesConfig } from '../helpers/detection-run.ts';
import { realData } from '../helpers/real-data.ts';
import { phase } from '../helpers/run-config.ts';
import { runTraining, valuesOf } from '../helpers/training-run.ts';
import type { Bar, BenchContext, BenchOutcome, Figure } from './bench.ts';
import { median } from './bench.ts';
import { drawCurves } from './curve-picture.ts';
import { packCoco128, repeat } from './detection-data.ts';
import { shareWithoutWork } from './detection-feeding.ts';
import { fieldAugmentation, trainOnBccd } from './detection-transfer.ts';
import { findPython, startPythonPeer } from './python-peer.ts';

const categoryCount = 80;
const runtime = new OnnxRuntime();

export async function runDetection(context: BenchContext): Promise<BenchOutcome> {
  const outcome: BenchOutcome = { figures: [], bars: [], notes: [] };
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-detection-'));
  try {
    await measureSpeed(context, folder, outcome);
    const coco = realData('coco128');
    const weights = realData('weights/yolov8n.onnx');
    if (coco === null || weights === null) {
      outcome.notes.push('COCO128 or the weights are not here: see FOVEA_TEST_DATA in the README.');
    } else {
      await compareWithFile(context, folder, { coco, weights }, outcome);
      await overfit(context, folder, coco, outcome);
      await feeding(context, folder, coco, outcome);
    }
    const bccd = realData('bccd');
    if (context.quick) outcome.notes.push('Transfer on BCCD takes hours: it is measured without --quick.');
    else if (bccd !== null && weights !== null) await transfer(context, folder, { bccd, weights }, outcome);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return outcome;
}

function say({ figures, bars }: BenchOutcome, figure: Figure, ...limits: Omit<Bar, 'figure'>[]): void {
  figures.push(figure);
  bars.push(...limits.map((limit) => ({ figure: figure.name, ...limit })));
}

/** As a validation of COCO has them: seven objects an image, a hundred detections around them. */
function madeUpTables(images: number): { objects: number[][]; detections: number[][] } {
  const random = Random.derive(1, 'detections');
  const [objects, detections]: [number[][], number[][]] = [[], []];
  for (let image = 0; image < images; image++) {
    const own = Array.from({ length: 7 }, (): number[] => {
      const [width, height] = [8 + random.uniform() * 200, 8 + random.uniform() * 200];
      const [x, y] = [random.uniform() * (640 - width), random.uniform() * (640 - height)];
      return [image, random.below(categoryCount), x, y, width, height, width * height, 0];
    });
    objects.push(...own);
    for (let i = 0; i < 100; i++) {
      const [, category, x, y, width, height] = own[i % own.length] as [number, number, number, number, number, number];
      const off = (size: number): number => 0.15 * size * random.normal();
      const box = [x + off(width), y + off(height), Math.abs(width + off(width)), Math.abs(height + off(height))];
      detections.push([image, i < 60 ? category : random.below(categoryCount), ...box, random.uniform()]);
    }
  }
  return { objects, detections };
}

function tablesOf(objects: number[][], detections: number[][]): [GroundTruths, Detections] {
  const column = (rows: number[][], index: number): number[] => rows.map((row) => row[index]!);
  const places = (rows: number[][]) => ({
    image: Int32Array.from(column(rows, 0)),
    category: Int32Array.from(column(rows, 1)),
    bboxXywh: Float64Array.from(rows.flatMap((row) => row.slice(2, 6))),
  });
  return [
    { ...places(objects), area: Float64Array.from(column(objects, 6)), iscrowd: Uint8Array.from(column(objects, 7)) },
    { ...places(detections), score: Float64Array.from(column(detections, 6)) },
  ];
}

async function measureSpeed({ progress }: BenchContext, folder: string, outcome: BenchOutcome): Promise<void> {
  const images = 5000;
  progress(`the measures of ${images} images with 100 detections each`);
  const { objects, detections } = madeUpTables(images);
  const tables = tablesOf(objects, detections);
  const ours: number[] = [];
  let result: CocoMeasures | null = null;
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    result = cocoMeasures(...tables, categoryCount).all;
    ours.push(performance.now() - started);
  }
  const seconds = median(ours) / 1000;
  const explanation = `COCO's twelve measures of ${images} images with 100 detections each`;
  say(outcome, { name: 'measuresSeconds', value: seconds, explanation }, { bar: 10, direction: 'at-most' });

  const search = await findPython(['numpy']);
  let overNumpy: number | null = null;
  if (search.found) {
    await writeFile(join(folder, 'objects.f64'), Float64Array.from(objects.flat()));
    await writeFile(join(folder, 'detections.f64'), Float64Array.from(detections.flat()));
    const peer = startPythonPeer(search.python, fileURLToPath(new URL('./coco_peer.py', import.meta.url)), [folder]);
    try {
      progress('the same in plain NumPy');
      const theirs = await peer.ask<{ ms: number; ap: number }>({
        command: 'measure',
        images,
        categories: categoryCount,
      });
      overNumpy = (1000 * seconds) / theirs.ms;
      if (Math.abs(theirs.ap - result!.ap!) > 1e-9)
        throw new Error(`NumPy measures ${theirs.ap} where we measure ${result!.ap}.`);
    } finally {
      await peer.close();
    }
  } else outcome.notes.push(search.mend);
  const name = 'measuresOverNumpy';
  say(
    outcome,
    { name, value: overNumpy, explanation: 'our time ÷ that of the same protocol in plain NumPy; equal to 1e-9' },
    { bar: 0.2, direction: 'at-most' },
  );
}

const published = { ap50: 0.6, ap: 0.436 } as const;

async function compareWithFile(
  { progress }: BenchContext,
  folder: string,
  { coco, weights }: { coco: string; weights: string },
  outcome: BenchOutcome,
): Promise<void> {
  const side = 640;
  progress('reading COCO128');
  const { pack, split } = await packCoco128(coco, 'val2017', side, folder);
  const calibrating = await packCoco128(coco, 'train2017', side, folder, 64);
  const data: TrainingData = {
    categories: Array.from({ length: categoryCount }, (_, i) => String(i)),
    fit: 'letterbox',
    packs: [pack, calibrating.pack],
    train: { ...calibrating.split, packs: calibrating.split.packs.map(() => 1) },
    evaluation: split,
  };
  const config = scenesConfig();
  const imageShape = [3, side, side];
  const task = taskFor({ config, categoryCount, imageShape });
  const plan = planModel('yolov8', config.model.options, imageShape, categoryCount);
  const { preprocessing } = modelSpec('yolov8');
  progress('rebuilding the batch norms');
  const { tensors } = await startWeights({
    file: {
      label: 'yolov8n.onnx',
      path: weights,
      sha256: await hashFile(weights, 'sha256'),
      known: { padding: null, scaling: null },
    },
    plan,
    preprocessing,
    config,
    data,
    runtime,
    threads: 0,
    signal: new AbortController().signal,
  });
  const state = new TrainingState(plan, config, config.phases[0]!, stateOf(tensors));
  const graph = buildInferenceGraph({
    plan,
    layout: state.layout,
    preprocessing,
    task: { label: task.label, evaluationResults: (g, outputs) => task.exported.raw(g, outputs) },
    imageCount: 1,
    batchSize: 1,
  });
  const images = await SplitImages.open(split, data.packs, 0);
  const sessions: Session[] = [];
  try {
    const file = await runtime.createSession(new Uint8Array(await readFile(weights)), { device: 'cpu', threads: 0 });
    sessions.push(file);
    const own = await openGraph(runtime, graph, { device: 'cpu', threads: 0 });
    sessions.push(own);
    const [fromFile, fromOurs] = [new DetectionTable(), new DetectionTable()];
    let worst = 0;
    for (let index = 0; index < images.count; index++) {
      if (index % 16 === 0) progress(`image ${index} of ${images.count}`);
      const { images: bytes } = await images.feed([index]);
      const shape = [1, ...imageShape];
      const pixels = tensor(
        'float32',
        shape,
        Float32Array.from(bytes, (byte) => byte / 255),
      );
      const wanted = (await file.run({ images: pixels }))['output0']!;
      const feeds = { images: tensor('uint8', shape, bytes), indices: tensor('int64', [1], [0]) };
      const got = (await own.run({ ...state.inferenceFeeds(), ...feeds }))['output0']!;
      if (index < 16) worst = Math.max(worst, worstOff(wanted, got));
      addImage(fromFile, index, wanted, data);
      addImage(fromOurs, index, got, data);
    }
    say(
      outcome,
      {
        name: 'forwardOff',
        value: worst,
        explanation:
          'YOLOv8n, real weights, norms rebuilt: worst number off what onnxruntime gives from the file, over the largest of boxes and of scores',
      },
      { bar: 1e-4, direction: 'at-most' },
    );
    const groundTruths = groundTruthTable(split.objects!.counts, split.objects!.rows);
    const [theirs, ours] = [fromFile, fromOurs].map(
      (table) => cocoMeasures(groundTruths, table.detections(), categoryCount).all,
    ) as [CocoMeasures, CocoMeasures];
    for (const [key, label] of [
      ['ap50', 'mAP50'],
      ['ap', 'mAP50-95'],
    ] as const) {
      const value = theirs[key]!;
      outcome.figures.push({ name: `${key}`, value, explanation: `${label} of the file's outputs on COCO128 val` });
      say(
        outcome,
        {
          name: `${key}Off`,
          value: Math.abs(value - published[key]),
          explanation: `off the published ${published[key]}`,
        },
        { bar: 0.003, direction: 'at-most' },
      );
    }
    say(
      outcome,
      {
        name: 'rebuiltAp50Off',
        value: Math.abs(ours.ap50! - theirs.ap50!),
        explanation: 'mAP50 after the norms are rebuilt, off that of the file',
      },
      { bar: 0.01, direction: 'at-most' },
    );
  } finally {
    await Promise.all([...sessions.map((session) => session.release()), images.close()]);
  }
}

const stateOf = (tensors: NamedTensors) => ({ tensors, averages: null, slots: new Map() });

/** [1, 4 + C, A]: boxes in px and scores each by their own largest. */
function worstOff(wanted: Tensor, got: Tensor): number {
  const [a, b] = [wanted.data as Float32Array, got.data as Float32Array];
  const boxes = 4 * wanted.shape[2]!;
  const off = (from: number, to: number): number => {
    let [largest, worst] = [0, 0];
    for (let i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(a[i]!));
      worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    }
    return worst / largest;
  };
  return Math.max(off(0, boxes), off(boxes, a.length));
}

/** Middle, width and height become sides in px of the image. */
function addImage(table: DetectionTable, image: number, { data: raw, shape }: Tensor, data: TrainingData): void {
  const anchors = shape[2]!;
  const output = raw as Float32Array;
  const placement = placementOf(data, data.evaluation, image);
  const sides = new Float32Array(4 * anchors);
  for (let i = 0; i < anchors; i++) {
    const [x, y, width, height] = [0, 1, 2, 3].map((row) => output[row * anchors + i]!) as [
      number,
      number,
      number,
      number,
    ];
    const box: BboxXyxy = toImage(placement, [x - width / 2, y - height / 2, x + width / 2, y + height / 2]);
    box.forEach((side, row) => (sides[row * anchors + i] = side));
  }
  const candidates = candidatesOf(output.subarray(4 * anchors), sides, validationSettings.scoreThreshold);
  table.add(image, candidates, validationSettings, placement.image);
}

/** Eight photographs, 25 times an epoch, for eight epochs. */
async function overfit({ progress }: BenchContext, folder: string, coco: string, outcome: BenchOutcome): Promise<void> {
  const side = 320;
  const { pack, split } = await packCoco128(coco, 'train2017', side, folder, 8);
  const data: TrainingData = {
    categories: Array.from({ length: categoryCount }, (_, i) => String(i)),
    fit: 'letterbox',
    packs: [pack],
    train: repeat(split, 25),
    evaluation: split,
  };
  const [base] = scenesConfig().phases;
  const config = scenesConfig({
    batchSize: 8,
    phases: [phase({ ...base!, epochs: 8, learningRate: 1e-3, warmup: { epochs: 1, startFactor: 0.05 } })],
  });
  const reported = await runTraining(folder, config, data, {
    threads: cpus().length,
    onProgress: ({ activity, epoch }) => {
      if (activity === 'evaluating') progress(`learning eight images by heart: epoch ${epoch} of 8`);
    },
  });
  say(
    outcome,
    {
      name: 'overfitAp50',
      value: valuesOf(reported, 'test/ap50').at(-1)!,
      explanation: 'YOLOv8n from scratch on eight images of COCO128, 320 px, 200 steps: mAP50 on them',
    },
    { bar: 0.95, direction: 'at-least' },
  );
}

async function feeding({ progress }: BenchContext, folder: string, coco: string, outcome: BenchOutcome): Promise<void> {
  progress('whether samples keep the trainer fed');
  const { pack, split } = await packCoco128(coco, 'train2017', 320, folder, 64);
  const data: TrainingData = {
    categories: Array.from({ length: categoryCount }, (_, i) => String(i)),
    fit: 'letterbox',
    packs: [pack],
    train: repeat(split, 2),
    evaluation: split,
  };
  const run = await mkdtemp(join(folder, 'feeding-'));
  const augmentation = { ...fieldAugmentation, closeMosaicEpochs: 0 };
  const value = await shareWithoutWork(
    run,
    scenesConfig({ batchSize: 8, augmentation, phases: [phase({ epochs: 1 })] }),
    data,
  );
  const explanation =
    'share of an epoch without work for onnxruntime: 320 px, batches of 8, mosaics; the wait for samples is part of it';
  say(outcome, { name: 'waitShare', value, explanation }, { bar: 0.05, direction: 'at-most' });
}

const transferEpochs = 30;
const transferSeeds = 3;

async function transfer(
  { progress, kept, only, pictures }: BenchContext,
  folder: string,
  data: { bccd: string; weights: string },
  outcome: BenchOutcome,
): Promise<void> {
  const shared = { folder, kept, only, epochs: transferEpochs, seeds: transferSeeds, progress };
  const curves = await trainOnBccd({ ...data, ...shared });
  const arms: Record<string, number[][]> = { ...curves };
  const isWhole = Object.values(arms).every((all) => all.every((curve) => curve.length === transferEpochs));
  const finals = (all: number[][]): number[] => all.map((curve) => curve.at(-1)!);
  const [scratch, pretrained] = [finals(curves.scratch), finals(curves.pretrained)];
  const what = `YOLOv8n on BCCD, 320 px, ${transferEpochs} epochs, ${transferSeeds} seeds`;
  const least = isWhole ? Math.min(...pretrained) : null;
  say(
    outcome,
    { name: 'transferAp50', value: least, explanation: `${what}, from COCO weights: least mAP50` },
    { bar: 0.85, direction: 'at-least' },
  );
  say(
    outcome,
    {
      name: 'transferGain',
      value: isWhole ? Math.min(...pretrained.map((value, seed) => value - scratch[seed]!)) : null,
      explanation: 'least gain over random weights of the same seed',
    },
    { bar: 0, direction: 'at-least' },
  );
  for (const [name, all] of Object.entries(arms)) {
    const reached = all.map((curve) => curve.findIndex((value) => value >= 0.5) + 1 || 'never');
    outcome.notes.push(`${name}: mAP50 of 0.5 at epoch ${reached.join(', ')}`);
    for (const [seed, curve] of all.entries())
      outcome.notes.push(`  seed ${seed}, by epoch: ${curve.map((value) => value.toFixed(3)).join(' ')}`);
  }
  await drawCurves(join(pictures, 'bccd-map50.svg'), 'mAP50', [
    { label: 'from scratch', curves: curves.scratch },
    { label: 'COCO’s weights', curves: curves.pretrained },
  ]);
  outcome.notes.push(`Curves as the app draws them: ${pictures}`);
}

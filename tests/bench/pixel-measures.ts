/**
 * A process of its own that measures made-up masks: on a request in one line, {"images", "widthPx", "heightPx", "categories"},
 * it answers {"ms", "iou"}, the time for counting all pixels and for every measure in every reduction.
 */
import { createInterface } from 'node:readline';
import {
  measureEach,
  measureTogether,
  pixelCounts,
  reductions,
  segmentationMeasures,
  type SegmentationMeasure,
} from '../../src-main/contract/model/segmentation-measures.ts';
import { PixelCounter } from '../../src-main/engine/metrics/segmentation.ts';
import { Random } from '../../src-main/engine/data/random.ts';

interface Request {
  images: number;
  widthPx: number;
  heightPx: number;
  categories: number;
}

/** So many are made and counted in turn: all of them would not fit into memory. */
const different = 4;

/** Areas some hundred px wide, their edges moved a little, and single wrong pixels. */
function madeUp(
  { widthPx, heightPx, categories }: Request,
  seed: number,
): { labels: Uint8Array; predicted: Uint8Array } {
  const random = Random.derive(seed, 'masks');
  const [bend, shift] = [random.uniform() * 6, Math.floor(random.uniform() * 12)];
  const at = (x: number, y: number): number =>
    Math.floor(Math.abs(Math.sin(x / 210 + bend) + Math.cos(y / 170) + Math.sin((x + y) / 330)) * 8) % categories;
  const labels = new Uint8Array(widthPx * heightPx);
  const predicted = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      labels[y * widthPx + x] = at(x, y);
      predicted[y * widthPx + x] = (x * 7 + y * 13) % 61 === 0 ? (x + y) % categories : at(x + shift, y);
    }
  }
  return { labels, predicted };
}

function answer(request: Request): { ms: number; iou: number | null } {
  const masks = Array.from({ length: different }, (_, seed) => madeUp(request, seed));
  const started = performance.now();
  const counter = new PixelCounter(request.categories);
  for (let image = 0; image < request.images; image++) {
    const { predicted, labels } = masks[image % different]!;
    counter.add(predicted, labels);
  }
  const all = Array.from({ length: request.categories }, (_, i) => i);
  const counts = pixelCounts(counter.pairs, all);
  const classWeights = all.map((i) => i + 1);
  let iou: number | null = null;
  for (const measure of Object.keys(segmentationMeasures) as SegmentationMeasure[]) {
    const options = { measure, zeroDivision: null };
    measureEach(counts, options);
    for (const reduction of reductions) {
      const value = measureTogether(counts, reduction, options, classWeights);
      if (measure === 'iou' && reduction === 'macro') iou = value;
    }
  }
  return { ms: performance.now() - started, iou };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(answer(JSON.parse(line) as Request)));
}

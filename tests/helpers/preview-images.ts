/** Training images as a preview could show them: generated pictures with their classes. */
import type { PreviewBatch } from '../../src-main/contract/model/preview-batch.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { CIFAR10_NAMES, drawImages, seededRandom } from './generated-data.ts';

const side = 32;
const area = side * side;

export function previewTrainingImages({ seed }: RunConfig, count: number, epoch: number): PreviewBatch {
  const random = seededRandom(seed * 1000 + epoch);
  const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * 10));
  const planes = drawImages(labels, 3, side, random);
  const items = [...labels].map((category, image) => ({
    rgb: Uint8Array.from(
      { length: 3 * area },
      (_, at) => planes[image * 3 * area + (at % 3) * area + Math.floor(at / 3)]!,
    ),
    mask: null,
    boxes: [],
    category,
  }));
  return { widthPx: side, heightPx: side, classes: CIFAR10_NAMES, items, failures: [] };
}

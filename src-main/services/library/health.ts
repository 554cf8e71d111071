/**
 * What a data set is like: how often each class occurs, how large and where boxes are, and what is unusual. Every number
 * comes with the text query that leads to its images. Reads rows as they come and keeps counts only. Runs in the worker.
 */
import type { ShapeKind } from '../../contract/model/annotation.ts';
import type { CategoryId, DatasetId, ImageId } from '../../contract/model/ids.ts';
import { healthMapSize, type DatasetHealth, type HealthBar } from '../../contract/model/library.ts';
import { quoteValue } from '../../contract/query/syntax.ts';
import type { LibraryReader, TellProgress } from './library-reader.ts';

export interface HealthAsk {
  datasetId: DatasetId;
}

interface ImageRow {
  id: ImageId;
  width: number;
  height: number;
  review: string;
  labels: number;
}

interface LabelRow {
  imageId: ImageId;
  categoryId: CategoryId;
  kind: ShapeKind;
  x1: number | null;
  y1: number | null;
  x2: number | null;
  y2: number | null;
}

const PAIRS_SHOWN = 30;
/** Sides in px below which a box is hardly more than a click. */
const TINY_AREA_PX = 16;

/** Edges of bars: `[least, below)`, the last one open. */
function bars(edges: readonly number[], field: string, unit: string, label: (edge: number) => string): HealthBar[] {
  return edges.map((least, at) => {
    const below = edges[at + 1];
    const words = below === undefined ? `≥ ${label(least)}` : `${label(least)}–${label(below)}`;
    return {
      label: `${words}${unit}`,
      count: 0,
      query: below === undefined ? `${field}>=${least}` : `${field}=${least}..${below}`,
    };
  });
}

/** A range of whole numbers ends with the last one that it holds. */
function wholeNumbers(bar: HealthBar, least: number, below: number | undefined): HealthBar {
  if (below === undefined) return bar;
  if (below === least + 1) return { ...bar, label: String(least), query: `count=${least}` };
  return { ...bar, label: `${least}–${below - 1}` };
}

function barOf(edges: readonly number[], value: number): number {
  let at = 0;
  while (at + 1 < edges.length && value >= (edges[at + 1] ?? Infinity)) at++;
  return at;
}

function add(list: { count: number }[], at: number): void {
  const own = list[at];
  if (own !== undefined) own.count++;
}

const countEdges = [0, 1, 2, 3, 5, 10, 20, 50, 100];
const areaEdges = [0, 16 ** 2, 32 ** 2, 64 ** 2, 96 ** 2, 192 ** 2, 384 ** 2, 768 ** 2];
const aspectEdges = [0, 0.25, 0.5, 0.8, 1.25, 2, 4];
const megapixelEdges = [0, 0.1, 0.3, 1, 2, 5, 12, 25];

export async function describeHealth(
  { store }: LibraryReader,
  { datasetId }: HealthAsk,
  tell: TellProgress,
): Promise<DatasetHealth> {
  const { database } = store;
  const { categories } = store.datasets.get(datasetId);
  const health: DatasetHealth = {
    ...{ imageCount: 0, labelCount: 0 },
    classes: categories.map(({ categoryId, name }) => {
      return { categoryId, name, labels: 0, images: 0, query: `class:${quoteValue(name)}` };
    }),
    kinds: [],
    labelsPerImage: bars(countEdges, 'count', '', String).map((bar, at) =>
      wholeNumbers(bar, countEdges[at] ?? 0, countEdges[at + 1]),
    ),
    boxSizes: bars(areaEdges, 'area', ' px', (edge) => String(Math.sqrt(edge))),
    aspects: bars(aspectEdges, 'boxaspect', '', String),
    imageSizes: bars(megapixelEdges, 'megapixels', ' MP', String),
    imageAspects: bars(aspectEdges, 'aspect', '', String),
    positions: Array<number>(healthMapSize ** 2).fill(0),
    pairs: [],
    findings: [],
  };
  const images = new Map<ImageId, ImageRow>();
  const unlabelled = { count: 0, background: 0 };
  for (const row of database
    .prepare<[DatasetId], ImageRow>(
      'SELECT id, width, height, review, label_count AS labels FROM image WHERE dataset_id = ? ORDER BY id',
    )
    .iterate(datasetId)) {
    images.set(row.id, row);
    add(health.labelsPerImage, barOf(countEdges, row.labels));
    add(health.imageSizes, barOf(megapixelEdges, (row.width * row.height) / 1e6));
    add(health.imageAspects, barOf(aspectEdges, row.width / row.height));
    if (row.labels === 0) unlabelled[row.review === 'done' ? 'background' : 'count']++;
  }
  health.imageCount = images.size;
  const place = new Map<CategoryId, number>(categories.map(({ categoryId }, at) => [categoryId, at]));
  const kinds = new Map<ShapeKind, number>();
  const together = new Map<string, number>();
  const inImage = new Set<number>();
  const odd = { tiny: 0, huge: 0, outside: 0, doubled: 0 };
  const seen = new Set<string>();
  let [current, done]: [ImageId | null, number] = [null, 0];
  const endImage = (): void => {
    const classes = [...inImage].sort((a, b) => a - b);
    for (const one of classes) {
      const own = health.classes[one];
      if (own !== undefined) own.images++;
    }
    for (let a = 0; a < classes.length; a++) {
      for (let b = a + 1; b < classes.length; b++) {
        const key = `${classes[a]} ${classes[b]}`;
        together.set(key, (together.get(key) ?? 0) + 1);
      }
    }
    inImage.clear();
    seen.clear();
    done++;
    tell({ step: 'Looking at labels', done, total: images.size });
  };
  const labels = database.prepare<[DatasetId], LabelRow>(
    `SELECT a.image_id AS imageId, a.category_id AS categoryId, a.kind, a.x1, a.y1, a.x2, a.y2
     FROM image i CROSS JOIN annotation a ON a.image_id = i.id WHERE i.dataset_id = ? ORDER BY i.id`,
  );
  for (const label of labels.iterate(datasetId)) {
    if (label.imageId !== current) {
      if (current !== null) endImage();
      current = label.imageId;
    }
    const image = images.get(label.imageId);
    const at = place.get(label.categoryId);
    const own = at === undefined ? undefined : health.classes[at];
    if (image === undefined || at === undefined || own === undefined) continue;
    health.labelCount++;
    own.labels++;
    inImage.add(at);
    kinds.set(label.kind, (kinds.get(label.kind) ?? 0) + 1);
    const { x1, y1, x2, y2 } = label;
    if (x1 === null || y1 === null || x2 === null || y2 === null) continue;
    const [width, height] = [x2 - x1, y2 - y1];
    const area = width * height;
    add(health.boxSizes, barOf(areaEdges, area));
    if (height > 0) add(health.aspects, barOf(aspectEdges, width / height));
    markPositions(health.positions, [x1 / image.width, y1 / image.height, x2 / image.width, y2 / image.height]);
    if (area < TINY_AREA_PX) odd.tiny++;
    if (area > 0.95 * image.width * image.height) odd.huge++;
    if (x1 < -0.5 || y1 < -0.5 || x2 > image.width + 0.5 || y2 > image.height + 0.5) odd.outside++;
    const key = [at, x1, y1, x2, y2].map(Math.round).join();
    if (seen.has(key)) odd.doubled++;
    seen.add(key);
  }
  if (current !== null) endImage();
  health.kinds = [...kinds].map(([kind, count]) => ({ kind, count, query: `kind:${kind}` }));
  health.pairs = pairsOf(health, together);
  health.findings = findingsOf(health, { ...odd, unlabelled: unlabelled.count, background: unlabelled.background });
  return health;
}

/** Adds 1 to every cell that the box covers; coordinates are shares of the image. */
function markPositions(cells: number[], [x1, y1, x2, y2]: readonly [number, number, number, number]): void {
  const cellOf = (value: number): number => Math.min(healthMapSize - 1, Math.max(0, Math.floor(value * healthMapSize)));
  const [last, bottom] = [cellOf(x2 - 1e-9), cellOf(y2 - 1e-9)];
  for (let y = cellOf(y1); y <= bottom; y++) {
    for (let x = cellOf(x1); x <= last; x++) cells[y * healthMapSize + x] = (cells[y * healthMapSize + x] ?? 0) + 1;
  }
}

function pairsOf({ classes }: DatasetHealth, together: ReadonlyMap<string, number>): DatasetHealth['pairs'] {
  return [...together]
    .sort((a, b) => b[1] - a[1])
    .slice(0, PAIRS_SHOWN)
    .flatMap(([key, images]) => {
      const [first, second] = key.split(' ').map((at) => classes[Number(at)]);
      if (first === undefined || second === undefined) return [];
      const share = images / (first.images + second.images - images);
      return [{ first: first.name, second: second.name, images, share, query: `${first.query} ${second.query}` }];
    });
}

function findingsOf(
  health: DatasetHealth,
  odd: Record<'tiny' | 'huge' | 'outside' | 'doubled' | 'unlabelled' | 'background', number>,
): DatasetHealth['findings'] {
  const unused = health.classes.filter(({ labels }) => labels === 0);
  const rare = health.classes.filter(({ images }) => images > 0 && images < 10);
  const findings = [
    { kind: 'unlabelled', message: 'Images that nobody labelled', count: odd.unlabelled, query: 'is:unlabelled' },
    { kind: 'background', message: 'Images that show no object', count: odd.background, query: 'is:background' },
    { kind: 'outside', message: 'Boxes that reach out of their image', count: odd.outside, query: 'box:outside' },
    { kind: 'tiny', message: `Boxes of less than ${TINY_AREA_PX} px²`, count: odd.tiny, query: `area<${TINY_AREA_PX}` },
    { kind: 'huge', message: 'Boxes that cover nearly all of their image', count: odd.huge, query: 'box:huge' },
    {
      kind: 'doubled',
      message: 'Labels that lie exactly over another of their class',
      count: odd.doubled,
      query: 'box:doubled',
    },
    { kind: 'unused', message: 'Classes without a label', count: unused.length, query: '' },
    {
      kind: 'rare',
      message: 'Classes on fewer than ten images',
      count: rare.length,
      query: rare
        .slice(0, 20)
        .map(({ query }) => query)
        .join(' or '),
    },
  ];
  return findings.filter(({ count }) => count > 0);
}

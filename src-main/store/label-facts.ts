/**
 * What filters ask of an image's labels, worked out once and kept in its row: which kinds, authors, flags, odd boxes,
 * classes, and areas and aspects of boxes there are, and the least and greatest of those. Triggers empty `label_facts` where
 * labels change; whoever filters meanwhile looks at the labels themselves. Here is the same twice: for labels that are being
 * imported, and in SQL for all others.
 */
import type { Database, Statement } from 'better-sqlite3';
import { annotationFlags } from '../contract/model/annotation.ts';
import type { DatasetId, ImageId } from '../contract/model/ids.ts';
import { addBox, boxLevelsOfLabels, boxWordOfLabels, type BoxSummary } from './box-bits.ts';
import { addClass, classWordsOfLabels, type ClassParts } from './class-bits.ts';
import type { LabelRow } from './label-row.ts';
import { writeRelaxed } from './relaxed-write.ts';

const kinds = ['classification', 'bbox', 'rotated-box', 'polygon', 'mask', 'keypoints'] as const;
const authors = ['import', 'person', 'model'] as const;
const oddBoxes = ['outside', 'huge', 'doubled'] as const;

/** In the order of their bits. */
const facts = [...kinds, ...authors, ...annotationFlags, ...oddBoxes] as const;
type Fact = (typeof facts)[number];

/** Throws nothing: an unknown word has no bit, and no image has it. */
export function factBit(fact: string): number {
  const place = facts.findIndex((known) => known === fact);
  return place < 0 ? 0 : 1 << place;
}

export interface LabelFacts {
  bits: number;
  /** By the places of the classes, from 0. */
  classParts: ClassParts;
  areas: BoxSummary;
  aspects: BoxSummary;
  leastArea: number | null;
  greatestArea: number | null;
  leastAspect: number | null;
  greatestAspect: number | null;
}

export const AREA = '(a.x2 - a.x1) * (a.y2 - a.y1)';
export const ASPECT = '(a.x2 - a.x1) / (a.y2 - a.y1)';

/** Whether one of an image's labels has it; `image` is the alias of its row. */
export function factCondition(fact: string, image: string): string {
  if (fact === 'doubled') {
    return `EXISTS (SELECT 1 FROM annotation a WHERE a.image_id = ${image}.id AND a.x1 IS NOT NULL
  GROUP BY a.category_id, round(a.x1), round(a.y1), round(a.x2), round(a.y2) HAVING count(*) > 1)`;
  }
  return ofLabels(image, labelCondition(fact, image));
}

/** Whether the condition holds for one of an image's labels `a`. */
export function ofLabels(image: string, condition: string): string {
  return `EXISTS (SELECT 1 FROM annotation a WHERE a.image_id = ${image}.id AND ${condition})`;
}

function labelCondition(fact: string, image: string): string {
  if (fact === 'outside')
    return `(a.x1 < -0.5 OR a.y1 < -0.5 OR a.x2 > ${image}.width + 0.5 OR a.y2 > ${image}.height + 0.5)`;
  if (fact === 'huge') return `${AREA} > 0.95 * ${image}.width * ${image}.height`;
  const flag = annotationFlags.findIndex((known) => known === fact);
  if (flag >= 0) return `a.flags & ${1 << flag}`;
  const column = authors.some((author) => author === fact) ? 'source' : 'kind';
  return `a.${column} = '${facts.find((known) => known === fact) ?? ''}'`;
}

const sumOfBits = facts
  .map((fact) => {
    const isOne = fact === 'doubled' ? factCondition(fact, 'image') : `max((${labelCondition(fact, 'image')}) <> 0)`;
    return `coalesce(${isOne}, 0) * ${factBit(fact)}`;
  })
  .join('\n    + ');

/** The statements whose plans a test holds. */
export const hotFactQueries = {
  /** Whether there are any to be worked out is asked before every filter. */
  someUnknown: `
  SELECT id, label_count AS labels FROM image INDEXED BY image_without_facts
  WHERE dataset_id = ? AND label_facts IS NULL LIMIT 200`,
  workOut: `
  UPDATE image SET (
    label_facts, class_bits, more_class_bits, least_area, greatest_area, least_aspect, greatest_aspect,
    area_bits, aspect_bits, area_levels, aspect_levels
  ) = (
    SELECT ${sumOfBits}, ${classWordsOfLabels.join()},
      min(${AREA}), max(${AREA}), min(${ASPECT}), max(${ASPECT}),
      ${boxWordOfLabels('area', AREA)}, ${boxWordOfLabels('aspect', ASPECT)},
      ${boxLevelsOfLabels('area', AREA)}, ${boxLevelsOfLabels('aspect', ASPECT)}
    FROM annotation a WHERE a.image_id = image.id)
  WHERE id IN (SELECT value FROM json_each(?))`,
} as const;

const LABELS_AT_ONCE = 3000;

/** Works out what label changes left open, for the store's owner. */
export class LabelFactKeeper {
  #database: Database;
  #someUnknown: Statement<[DatasetId], { id: ImageId; labels: number }>;
  #workOut: Statement<[string]>;

  constructor(database: Database) {
    this.#database = database;
    this.#someUnknown = database.prepare(hotFactQueries.someUnknown);
    this.#workOut = database.prepare(hotFactQueries.workOut);
  }

  /** As many images as do not take long; false when none are left. */
  workOutSome(datasetId: DatasetId): boolean {
    const some: ImageId[] = [];
    let count = 0;
    for (const { id, labels } of this.#someUnknown.all(datasetId)) {
      if (some.length > 0 && count + labels > LABELS_AT_ONCE) break;
      some.push(id);
      count += labels;
    }
    if (some.length > 0) writeRelaxed(this.#database, () => this.#workOut.run(JSON.stringify(some)));
    return some.length > 0;
  }
}

/** Of labels that are imported together, all of them of one image. */
export function importedFacts(
  labels: readonly Pick<LabelRow, 'category' | 'kind' | 'box' | 'flags'>[],
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
): LabelFacts {
  let bits = labels.length > 0 ? factBit('import' satisfies Fact) : 0;
  let [leastArea, greatestArea, leastAspect, greatestAspect] = [Infinity, -Infinity, Infinity, -Infinity];
  const classParts: ClassParts = [0, 0, 0, 0];
  const areas: BoxSummary = { parts: [0, 0], levels: '' };
  const aspects: BoxSummary = { parts: [0, 0], levels: '' };
  for (const { category, kind, box, flags } of labels) {
    addClass(classParts, category);
    bits |= kindBits[kind] | (flags << FLAGS_AT);
    const [x1, y1, x2, y2] = box;
    if (x1 === null) continue;
    if (x1 < -0.5 || y1 < -0.5 || x2 > widthPx + 0.5 || y2 > heightPx + 0.5) bits |= OUTSIDE;
    const area = (x2 - x1) * (y2 - y1);
    if (area > 0.95 * widthPx * heightPx) bits |= HUGE;
    leastArea = Math.min(leastArea, area);
    greatestArea = Math.max(greatestArea, area);
    addBox(areas, 'area', area);
    if (y2 !== y1) {
      const aspect = (x2 - x1) / (y2 - y1);
      leastAspect = Math.min(leastAspect, aspect);
      greatestAspect = Math.max(greatestAspect, aspect);
      addBox(aspects, 'aspect', aspect);
    }
  }
  if (hasDoubles(labels)) bits |= DOUBLED;
  return {
    bits,
    classParts,
    areas,
    aspects,
    leastArea: finite(leastArea),
    greatestArea: finite(greatestArea),
    leastAspect: finite(leastAspect),
    greatestAspect: finite(greatestAspect),
  };
}

const kindBits = Object.fromEntries(kinds.map((kind) => [kind, factBit(kind)])) as Record<
  (typeof kinds)[number],
  number
>;
/** Comparing a few labels with each other takes less time than making text of each. */
const MOST_PAIRED = 24;
const FLAGS_AT = kinds.length + authors.length;
const [OUTSIDE, HUGE, DOUBLED] = [factBit('outside'), factBit('huge'), factBit('doubled')];

type PlacedLabel = Pick<LabelRow, 'category' | 'box'>;

/** Whether two of a class lie in the same place, to the pixel. */
function hasDoubles(labels: readonly PlacedLabel[]): boolean {
  if (labels.length > MOST_PAIRED) {
    const placed = labels.filter(({ box }) => box[0] !== null);
    return new Set(placed.map(placeOf)).size < placed.length;
  }
  return labels.some((label, index) => {
    for (let other = 0; other < index; other++) {
      const before = labels[other];
      if (before?.category === label.category && label.box[0] !== null && placeOf(before) === placeOf(label))
        return true;
    }
    return false;
  });
}

function placeOf({ category, box }: PlacedLabel): string {
  return [category, ...box.map((side) => (side === null ? null : rounded(side)))].join();
}

/** As SQLite's round: halves away from zero. */
function rounded(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

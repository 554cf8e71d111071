/** What follows from what each class was called: measures of each class, and which images a filter leaves. Pure. */
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { objectSizes, type ClassAnswers, type ObjectSize } from '../../src-main/contract/model/run-results.ts';
import { countsInCell } from '../../src-main/contract/model/segmentation-measures.ts';

export const classMeasures = {
  recall: { label: 'Recall', note: 'share of the class that is recognised' },
  precision: { label: 'Precision', note: 'share of what is called so that is right' },
  f1: { label: 'F1', note: 'harmonic mean of precision and recall' },
  iou: { label: 'IoU', note: 'right, of all that is the class or is called so' },
  ap: { label: 'AP', note: 'area under precision over recall' },
} as const;
export type ClassMeasure = keyof typeof classMeasures;

/** Of each class of a run; null where it says nothing. counts[truth][answer]. */
export function measureOfClass(
  measure: ClassMeasure,
  category: number,
  counts: readonly (readonly number[])[],
  precisionAtRecall: ClassAnswers['precisionAtRecall'],
): number | null {
  if (measure === 'ap') {
    const curve = precisionAtRecall?.[category];
    return curve == null ? null : curve.reduce((sum, each) => sum + each, 0) / curve.length;
  }
  const right = counts[category]![category]!;
  const missed = counts[category]!.reduce((sum, each) => sum + each, 0) - right;
  const wrong = counts.reduce((sum, row) => sum + row[category]!, 0) - right;
  const quotient = (of: number, all: number): number | null => (all === 0 ? null : of / all);
  switch (measure) {
    case 'recall':
      return quotient(right, right + missed);
    case 'precision':
      return quotient(right, right + wrong);
    case 'f1':
      return quotient(2 * right, 2 * right + missed + wrong);
    case 'iou':
      return quotient(right, right + missed + wrong);
  }
}

/** Mean over the classes that occur. */
export function meanCurve(precisionAtRecall: ClassAnswers['precisionAtRecall']): number[] | null {
  const curves = precisionAtRecall?.filter((curve) => curve !== null) ?? [];
  const [first] = curves;
  return first === undefined
    ? null
    : first.map((_, i) => curves.reduce((sum, curve) => sum + curve[i]!, 0) / curves.length);
}

/** Which images are left: places in the classes, and an index into the runs. Null lets all pass. */
export interface Narrowing {
  category: number | null;
  size: ObjectSize | null;
  cell: { runs: readonly number[]; truth: number; predicted: number } | null;
}

/** The first run's answers say which classes and sizes an image has. Null where nothing is narrowed. */
export function imagesWith(
  answers: readonly ClassAnswers[],
  { category, size, cell }: Narrowing,
): ReadonlySet<ImageId> | null {
  const [baseline] = answers;
  if (baseline === undefined || (category === null && size === null && cell === null)) return null;
  const { starts, triples } = baseline.cells;
  const hasClass = (place: number): boolean => {
    for (let at = starts[place]!; at < starts[place + 1]!; at++) if (triples[at * 3] === category) return true;
    return false;
  };
  const inCell = cell === null ? null : imagesInCell(answers, cell);
  const passes = (place: number): boolean =>
    (category === null || hasClass(place)) &&
    (size === null || baseline.sizes === null || (baseline.sizes[place]! & objectSizes[size]) !== 0) &&
    (inCell === null || inCell.has(baseline.imageIds[place]!));
  const ids = Array.from(baseline.imageIds).filter((_, place) => passes(place));
  return new Set(ids as ImageId[]);
}

function imagesInCell(
  answers: readonly ClassAnswers[],
  { runs, truth, predicted }: NonNullable<Narrowing['cell']>,
): Set<number> {
  const found = new Set<number>();
  for (const run of runs) {
    const of = answers[run];
    if (of === undefined) continue;
    countsInCell(of.cells, truth, predicted).forEach((count, place) => {
      if (count > 0) found.add(of.imageIds[place]!);
    });
  }
  return found;
}

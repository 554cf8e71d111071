/**
 * What a detector gives outside of this app. Raw, as the field has it: "output0" [N, 4 + C, A], of each place a box's middle,
 * width and height in px of the input, a score a category, and what a head says of the place. Decided: "detections" [1, 300, 6], the best first, x1, y1, x2,
 * y2, score, category, and zeros where there are fewer; and row by row beside it what the head says of each.
 */
import { invariant } from '../../../contract/errors.ts';
import { clipBbox } from '../../../contract/geometry/box.ts';
import type { FoundBox } from '../../../contract/model/image-prediction.ts';
import { letterbox, toImage, type Letterbox } from '../../data/letterbox.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Tensor, Value } from '../../graph/types.ts';
import { validationSettings } from '../../metrics/detection-table.ts';
import {
  candidatesOf,
  nonMaxSuppression,
  type AnchoredCandidates,
} from '../../../contract/geometry/non-max-suppression.ts';
import { detectionPredictions } from '../../nn/losses/detection/predictions.ts';
import type { DecisionCounts, ExportedResults, Results } from './definition.ts';
import { boxOutputs, type HeadExport } from './detection-head.ts';
import { detectionWidth, withSuppression } from './detection-suppression.ts';

const { scoreThreshold } = validationSettings;
/** Kept of one image. */
const mostCandidates = 3000;

/** size: the input's [height, width] px. */
export function exportedDetections(
  size: readonly [number, number],
  categoryCount: number,
  head: HeadExport | null,
): ExportedResults {
  const form = { categoryCount, head };
  const [heightPx, widthPx] = size;
  const input = letterbox({ widthPx, heightPx }, { widthPx, heightPx });
  const ofHead = (outputs: readonly Value[]): readonly Value[] => outputs.slice(boxOutputs);
  return {
    raw: (g, outputs) => {
      const { scores, sides } = predictionsOf(g, outputs, size);
      const [x1, y1, x2, y2] = g.split(sides, [1, 1, 1, 1], 1) as [Value, Value, Value, Value];
      const middle = (low: Value, high: Value): Value => g.scale(g.add(low, high), 0.5);
      const extents = [g.sub(x2, x1), g.sub(y2, y1)];
      const columns = head ? [head.columns(g, ofHead(outputs))] : [];
      const output0 = g.concat([middle(x1, x2), middle(y1, y2), ...extents, scores, ...columns], 1);
      return { output0, ...head?.more(g, ofHead(outputs)) };
    },
    decided: (g, outputs) => {
      const { scores, sides } = predictionsOf(g, outputs, size);
      invariant(scores.shape[0] === 1, 'decisions of a detector are made for one image at a time');
      const boxes = { boxes: g.transpose(sides, [0, 2, 1]), scores };
      if (head === null) return boxes;
      const columns = g.transpose(head.columns(g, ofHead(outputs)), [0, 2, 1]);
      return { ...boxes, columns, ...head.more(g, ofHead(outputs)) };
    },
    complete: (graph) => withSuppression(graph, head?.decided ?? null),
    say: (raw, placement, least) => ({ kind: 'boxes', boxes: boxesIn(raw, form, placement, least) }),
    compare: (raw, decided) => compareRows(decidedDetections(raw, form, input), decided, head),
  };
}

function predictionsOf(g: Builder, outputs: readonly Value[], size: readonly [number, number]) {
  const [, scores, distances] = outputs as [Value, Value, Value];
  return detectionPredictions(g, { scores, distances }, size);
}

interface DetectorForm {
  categoryCount: number;
  head: HeadExport | null;
}

/** What is said of one image, and what a head says of each candidate beside. */
function candidatesWithHead(
  { output0, ...more }: Results,
  { categoryCount, head }: DetectorForm,
  placement: Letterbox,
  least: number,
): { candidates: AnchoredCandidates; found: (candidate: number) => Partial<FoundBox> } {
  const candidates = candidatesIn(output0!, categoryCount, least);
  const columns = (output0!.data as Float32Array).subarray((4 + categoryCount) * output0!.shape[2]!);
  return { candidates, found: head?.found(columns, more, candidates, placement) ?? (() => ({})) };
}

/** Before suppression, so that a person may still choose the overlap; no more than anyone looks at. */
function boxesIn(raw: Results, form: DetectorForm, placement: Letterbox, least: number): FoundBox[] {
  const { candidates, found } = candidatesWithHead(raw, form, placement, Math.max(least, scoreThreshold));
  const { bboxXyxy, scores, categories } = candidates;
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  return order.slice(0, mostCandidates).map((index): FoundBox => {
    const [x1, y1, x2, y2] = bboxXyxy.subarray(4 * index, 4 * index + 4) as unknown as [number, number, number, number];
    return {
      category: categories[index]!,
      score: scores[index]!,
      bboxXyxy: clipBbox(toImage(placement, [x1, y1, x2, y2]), placement.image),
      ...found(index),
    };
  });
}

interface DecidedRows {
  /** Rows of six, px of the input. */
  rows: Float32Array;
  /** Of a row, px of the input. */
  found: (row: number) => Partial<FoundBox>;
}

/** From the raw results of one image; input: the network's own place. */
function decidedDetections(raw: Results, form: DetectorForm, input: Letterbox): DecidedRows {
  const { candidates, found } = candidatesWithHead(raw, form, input, scoreThreshold);
  const kept = nonMaxSuppression(candidates, validationSettings);
  const rows = new Float32Array(kept.length * detectionWidth);
  kept.forEach((index, row) => {
    const { bboxXyxy, scores, categories } = candidates;
    rows.set(
      [...bboxXyxy.subarray(4 * index, 4 * index + 4), scores[index]!, categories[index]!],
      row * detectionWidth,
    );
  });
  return { rows, found: (row) => found(kept[row]!) };
}

/** From "output0" of one image, in px of the input. */
function candidatesIn({ data, shape }: Tensor, categoryCount: number, least: number): AnchoredCandidates {
  const anchors = shape[2]!;
  const raw = data as Float32Array;
  const sides = new Float32Array(4 * anchors);
  for (let i = 0; i < anchors; i++) {
    const [x, y, width, height] = [0, 1, 2, 3].map((row) => raw[row * anchors + i]!) as [
      number,
      number,
      number,
      number,
    ];
    sides.set([x - width / 2], i);
    sides.set([y - height / 2], anchors + i);
    sides.set([x + width / 2], 2 * anchors + i);
    sides.set([y + height / 2], 3 * anchors + i);
  }
  return candidatesOf(raw.subarray(4 * anchors, (4 + categoryCount) * anchors), sides, least);
}

/** Two rows say the same where their scores and sides (px) are this close: equal scores may come in another order. */
const closeness = { score: 1e-4, side: 0.05 } as const;

/** Every row of each side needs a partner of its own on the other, of which the head says the same. */
function compareRows(wanted: DecidedRows, { detections, ...ofHead }: Results, head: HeadExport | null): DecisionCounts {
  const got = detections!.data as Float32Array;
  const free = new Set<number>();
  for (let row = 0; row < got.length / detectionWidth; row++) if (got[row * detectionWidth + 4]! > 0) free.add(row);
  const found = free.size;
  const count = wanted.rows.length / detectionWidth;
  for (let row = 0; row < count; row++) {
    const said = head && wanted.found(row);
    const partner = [...free].find(
      (other) => isSame(wanted.rows, row, got, other) && (!said || head.isSaid(said, ofHead, other)),
    );
    if (partner !== undefined) free.delete(partner);
  }
  return { decisions: Math.max(count, found), different: Math.max(free.size, count - (found - free.size)) };
}

function isSame(a: Float32Array, i: number, b: Float32Array, j: number): boolean {
  const apart = (column: number): number => Math.abs(a[i * detectionWidth + column]! - b[j * detectionWidth + column]!);
  const sides = [0, 1, 2, 3].every((column) => apart(column) <= closeness.side);
  return sides && apart(4) <= closeness.score && apart(5) === 0;
}

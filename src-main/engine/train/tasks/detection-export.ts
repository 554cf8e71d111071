/**
 * What a detector gives outside of this app. Raw, as the field has it: "output0" [N, 4 + C, A], of each place a box's middle,
 * width and height in px of the input, a score a category, and what a head says of the place. Decided: "detections" [1, 300, 6], the best first, x1, y1, x2,
 * y2, score, category, and zeros where there are fewer.
 */
import { invariant } from '../../../contract/errors.ts';
import { clipBbox } from '../../../contract/geometry/box.ts';
import type { FoundBox } from '../../../contract/model/image-prediction.ts';
import { toImage, type Letterbox } from '../../data/letterbox.ts';
import type { Builder } from '../../graph/builder.ts';
import { tensor, type Attributes, type Graph, type Node, type Tensor, type Value } from '../../graph/types.ts';
import { validationSettings } from '../../metrics/detection-table.ts';
import {
  candidatesOf,
  nonMaxSuppression,
  type AnchoredCandidates,
} from '../../../contract/geometry/non-max-suppression.ts';
import { detectionPredictions } from '../../nn/losses/detection/predictions.ts';
import type { DecisionCounts, ExportedResults, Results } from './definition.ts';
import { boxOutputs, type HeadExport } from './detection-head.ts';

const { scoreThreshold, iouThreshold, maxDetections } = validationSettings;
const rowWidth = 6;
/** Kept of one image. */
const mostCandidates = 3000;

/** size: the input's [height, width] px. */
export function exportedDetections(
  size: readonly [number, number],
  categoryCount: number,
  head: HeadExport | null,
): ExportedResults {
  const form = { categoryCount, head };
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
      return { boxes: g.transpose(sides, [0, 2, 1]), scores };
    },
    complete: withSuppression,
    say: (raw, placement, least) => ({ kind: 'boxes', boxes: boxesIn(raw, form, placement, least) }),
    compare: ({ output0 }, { detections }) =>
      compareRows(decidedDetections(output0!, categoryCount), detections!.data as Float32Array),
  };
}

function predictionsOf(g: Builder, outputs: readonly Value[], size: readonly [number, number]) {
  const [, scores, distances] = outputs as [Value, Value, Value];
  return detectionPredictions(g, { scores, distances }, size);
}

/**
 * Suppression behind "boxes" [1, A, 4] and "scores" [1, C, A]. How many boxes stay is not known before, which our graphs have no
 * shape for; so these nodes are written by hand, and rows of zeros make up a fixed number in the end.
 */
function withSuppression(graph: Graph): Graph {
  const [boxes, scores] = graph.outputs as [Value, Value];
  const initializers: Value[] = [];
  const nodes: Node[] = [];
  const constant = (name: string, value: Tensor): Value => {
    const made: Value = { name: `suppression ${name}`, ...value, constant: value };
    initializers.push(made);
    return made;
  };
  const integers = (name: string, ...values: number[]): Value =>
    constant(name, tensor('int64', [values.length], values));
  const add = (
    name: string,
    opType: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
    outputs = [name],
  ): Value => {
    const made = outputs.map((output): Value => ({ name: output, dataType: 'float32', shape: [] }));
    nodes.push({ name: `suppression/${name}`, opType, domain: '', inputs, outputs: made, attributes });
    return made.at(-1)!;
  };
  const kept = add('kept', 'NonMaxSuppression', [
    boxes,
    scores,
    integers('most', maxDetections),
    constant('iou', tensor('float32', [1], [iouThreshold])),
    constant('score', tensor('float32', [1], [scoreThreshold])),
  ]); // [S, 3]: image, category, place
  const column = (name: string, of: Value, index: number): Value =>
    add(name, 'Gather', [of, constant(`${name} column`, tensor('int64', [], [index]))], { axis: 1 });
  const first = integers('first axis', 0);
  const second = integers('second axis', 1);
  const keptBoxes = add('keptBoxes', 'Gather', [add('allBoxes', 'Squeeze', [boxes, first]), column('places', kept, 2)]); // [S, 4]
  const keptScores = add('keptScores', 'GatherND', [scores, kept]); // [S]
  const categories = add('categories', 'Cast', [column('categoryOrdinals', kept, 1)], { to: 1 });
  const asColumn = (name: string, of: Value): Value => add(name, 'Unsqueeze', [of, second]);
  const columns = [keptBoxes, asColumn('scoreColumn', keptScores), asColumn('categoryColumn', categories)];
  const none = constant(
    'none',
    tensor('float32', [maxDetections, rowWidth], new Float32Array(maxDetections * rowWidth)),
  );
  const rows = add('rows', 'Concat', [add('found', 'Concat', columns, { axis: 1 }), none], { axis: 0 });
  const best = add('best', 'TopK', [column('rowScores', rows, 4), integers('rows wanted', maxDetections)], {}, [
    'bestScores',
    'bestRows',
  ]);
  add('detections', 'Unsqueeze', [add('bestDetections', 'Gather', [rows, best]), first]);
  const detections: Value = { name: 'detections', dataType: 'float32', shape: [1, maxDetections, rowWidth] };
  return {
    ...graph,
    initializers: [...graph.initializers, ...initializers],
    nodes: [...graph.nodes, ...nodes],
    outputs: [detections],
  };
}

/** Before suppression, so that a person may still choose the overlap; no more than anyone looks at. */
function boxesIn(
  { output0, ...more }: Results,
  { categoryCount, head }: { categoryCount: number; head: HeadExport | null },
  placement: Letterbox,
  least: number,
): FoundBox[] {
  const candidates = candidatesIn(output0!, categoryCount, Math.max(least, scoreThreshold));
  const { bboxXyxy, scores, categories } = candidates;
  const anchors = output0!.shape[2]!;
  const columns = (output0!.data as Float32Array).subarray((4 + categoryCount) * anchors);
  const found = head?.found(columns, more, candidates, placement);
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  return order.slice(0, mostCandidates).map((index): FoundBox => {
    const [x1, y1, x2, y2] = bboxXyxy.subarray(4 * index, 4 * index + 4) as unknown as [number, number, number, number];
    return {
      category: categories[index]!,
      score: scores[index]!,
      bboxXyxy: clipBbox(toImage(placement, [x1, y1, x2, y2]), placement.image),
      ...found?.(index),
    };
  });
}

/** From "output0" of one image: rows of six. */
function decidedDetections(output0: Tensor, categoryCount: number): Float32Array {
  const candidates = candidatesIn(output0, categoryCount, scoreThreshold);
  const kept = nonMaxSuppression(candidates, validationSettings);
  const rows = new Float32Array(kept.length * rowWidth);
  kept.forEach((index, row) => {
    const { bboxXyxy, scores, categories } = candidates;
    rows.set([...bboxXyxy.subarray(4 * index, 4 * index + 4), scores[index]!, categories[index]!], row * rowWidth);
  });
  return rows;
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

/** Every row of each side needs a partner of its own on the other. */
function compareRows(wanted: Float32Array, got: Float32Array): DecisionCounts {
  const free = new Set<number>();
  for (let row = 0; row < got.length / rowWidth; row++) if (got[row * rowWidth + 4]! > 0) free.add(row);
  const found = free.size;
  const count = wanted.length / rowWidth;
  for (let row = 0; row < count; row++) {
    const partner = [...free].find((other) => isSame(wanted, row, got, other));
    if (partner !== undefined) free.delete(partner);
  }
  return { decisions: Math.max(count, found), different: Math.max(free.size, count - (found - free.size)) };
}

function isSame(a: Float32Array, i: number, b: Float32Array, j: number): boolean {
  const apart = (column: number): number => Math.abs(a[i * rowWidth + column]! - b[j * rowWidth + column]!);
  const sides = [0, 1, 2, 3].every((column) => apart(column) <= closeness.side);
  return sides && apart(4) <= closeness.score && apart(5) === 0;
}

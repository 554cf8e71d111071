/**
 * Suppression of overlapping boxes as the last nodes of a model: how many stay is not known before, which our graphs have no
 * shape for, so these nodes are written by hand, and rows of zeros make up a fixed number in the end.
 */
import {
  tensor,
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type Value,
} from '../../graph/types.ts';
import { validationSettings } from '../../metrics/detection-table.ts';

const { scoreThreshold, iouThreshold, maxDetections } = validationSettings;
/** x1, y1, x2, y2, score, category. */
export const detectionWidth = 6;

/** ONNX's numbers of the types that a Cast makes. */
export const castTo = { float32: 1, uint8: 2 } as const;

/** Appends nodes whose results have no shape that we know. */
export class NodeWriter {
  readonly initializers: Value[] = [];
  readonly nodes: Node[] = [];

  constant(name: string, value: Tensor): Value {
    const made: Value = { name: `suppression ${name}`, ...value, constant: value };
    this.initializers.push(made);
    return made;
  }

  integers(name: string, ...values: number[]): Value {
    return this.constant(name, tensor('int64', [values.length], values));
  }

  /** What the node makes, under these names. */
  all(outputs: readonly string[], opType: string, inputs: readonly Value[], attributes: Attributes = {}): Value[] {
    const made = outputs.map((name): Value => ({ name, dataType: 'float32', shape: [] }));
    this.nodes.push({ name: `suppression/${outputs[0]}`, opType, domain: '', inputs, outputs: made, attributes });
    return made;
  }

  add(name: string, opType: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.all([name], opType, inputs, attributes)[0]!;
  }

  /** The same as an output of the model. */
  output(name: string, opType: string, inputs: readonly Value[], type: { dataType: DataType; shape: number[] }): Value {
    this.add(name, opType, inputs);
    return { name, ...type };
  }
}

/** Of what stayed, the best first; zeros where there is less. */
export interface KeptRows {
  /** [maxDetections, 6], px of the input. */
  detections: Value;
  /** [maxDetections, E], what the head says of each place. */
  columns: Value;
  /** Further outputs of the graph by their names. */
  more: Readonly<Record<string, Value>>;
}

/** What a head makes of the rows that stay: an output of the model. */
export type DecideOfHead = (nodes: NodeWriter, kept: KeptRows, count: number) => Value;

/**
 * Behind a graph's outputs "boxes" [1, A, 4], "scores" [1, C, A] and, where there is a head, "columns" [1, A, E] and what it has
 * beside. Gives "detections" [1, maxDetections, 6] and what the head decides.
 */
export function withSuppression(graph: Graph, decide: DecideOfHead | null): Graph {
  const [boxes, scores, columns, ...more] = graph.outputs as [Value, Value, Value?, ...Value[]];
  const width = detectionWidth + (columns?.shape[2] ?? 0);
  const nodes = new NodeWriter();
  const kept = nodes.add('kept', 'NonMaxSuppression', [
    boxes,
    scores,
    nodes.integers('most', maxDetections),
    nodes.constant('iou', tensor('float32', [1], [iouThreshold])),
    nodes.constant('score', tensor('float32', [1], [scoreThreshold])),
  ]); // [S, 3]: image, category, place
  const column = (name: string, of: Value, index: number): Value =>
    nodes.add(name, 'Gather', [of, nodes.constant(`${name} column`, tensor('int64', [], [index]))], { axis: 1 });
  const first = nodes.integers('first axis', 0);
  const second = nodes.integers('second axis', 1);
  const places = column('places', kept, 2);
  const atPlaces = (name: string, of: Value): Value =>
    nodes.add(name, 'Gather', [nodes.add(`${name} of all`, 'Squeeze', [of, first]), places]); // [S, …]
  const categories = nodes.add('categories', 'Cast', [column('categoryOrdinals', kept, 1)], { to: castTo.float32 });
  const asColumn = (name: string, of: Value): Value => nodes.add(name, 'Unsqueeze', [of, second]);
  const parts = [
    atPlaces('keptBoxes', boxes),
    asColumn('scoreColumn', nodes.add('keptScores', 'GatherND', [scores, kept])),
    asColumn('categoryColumn', categories),
    ...(columns ? [atPlaces('keptColumns', columns)] : []),
  ];
  const none = nodes.constant(
    'none',
    tensor('float32', [maxDetections, width], new Float32Array(maxDetections * width)),
  );
  const rows = nodes.add('rows', 'Concat', [nodes.add('found', 'Concat', parts, { axis: 1 }), none], { axis: 0 });
  const wanted = nodes.integers('rows wanted', maxDetections);
  const [, bestRows] = nodes.all(['bestScores', 'bestRows'], 'TopK', [column('rowScores', rows, 4), wanted]);
  const best = nodes.add('best', 'Gather', [rows, bestRows!]);
  const widths = nodes.integers('widths', detectionWidth, width - detectionWidth);
  const [detections, ofHead] = columns
    ? nodes.all(['bestDetections', 'bestColumns'], 'Split', [best, widths], { axis: 1 })
    : [best];
  const outputs = [
    nodes.output('detections', 'Unsqueeze', [detections!, first], {
      dataType: 'float32',
      shape: [1, maxDetections, detectionWidth],
    }),
  ];
  if (decide && ofHead) {
    const beside = Object.fromEntries(more.map((value) => [value!.name, value!]));
    outputs.push(decide(nodes, { detections: detections!, columns: ofHead, more: beside }, maxDetections));
  }
  return {
    ...graph,
    initializers: [...graph.initializers, ...nodes.initializers],
    nodes: [...graph.nodes, ...nodes.nodes],
    outputs,
  };
}

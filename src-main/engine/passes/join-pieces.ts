/**
 * Many short vectors that go through the same arithmetic and are then joined into one are joined first: op(a₁, b₁) … op(aₙ,
 * bₙ) become one op(a, b). Batch norm's running statistics are hundreds of such nodes, each of which costs more to start
 * than to compute. Every element is computed as before, so numbers stay as they are, bit by bit.
 */
import {
  isGraph,
  sameShape,
  sizeOf,
  tensor,
  type Attributes,
  type Graph,
  type Node,
  type Value,
} from '../graph/types.ts';
import { makersOf, readersOf } from './makers.ts';

const elementWise: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** Nodes that are not read any more stay; removeDeadNodes takes them away. */
export function joinPieces(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const entries = Object.entries(node.attributes).map(([key, value]) => [
      key,
      value !== undefined && isGraph(value) ? joinPieces(value) : value,
    ]);
    return { ...node, attributes: Object.fromEntries(entries) as Attributes };
  });
  const joined = new Joiner({ ...graph, nodes });
  return {
    ...graph,
    nodes: nodes.flatMap((node) => joined.nodesFor(node)),
    initializers: [...graph.initializers, ...joined.constants],
  };
}

class Joiner {
  readonly constants: Value[] = [];
  private readonly makers: Map<string, Node>;
  private readonly readers: Map<string, number>;

  constructor(graph: Graph) {
    this.makers = makersOf(graph);
    this.readers = readersOf(graph);
  }

  /** What stands for the node: itself, unless it joins what can be joined earlier. */
  nodesFor(node: Node): Node[] {
    const [whole] = node.outputs as [Value];
    if (node.opType !== 'Concat' || whole.shape.length !== 1) return [node];
    const made: Node[] = [];
    const result = this.join(node.inputs as Value[], node.name, made);
    const last = made.at(-1);
    if (!last || last.opType === 'Concat' || last.outputs[0] !== result) return [node];
    return [...made.slice(0, -1), { ...last, name: node.name, outputs: [whole] }];
  }

  /** The pieces in one vector; `made` gets the nodes that this takes. */
  private join(pieces: readonly Value[], name: string, made: Node[]): Value {
    const source = this.splitInto(pieces);
    if (source) return source;
    const operands = this.operandsOf(pieces);
    const inputs = operands?.inputs.map((values) => this.joinOperands(values, pieces, name, made));
    return operands && inputs
      ? this.append(operands.opType, inputs, {}, pieces, name, made)
      : this.append('Concat', pieces, { axis: 0 }, pieces, name, made);
  }

  private append(
    opType: string,
    inputs: readonly Value[],
    attributes: Attributes,
    pieces: readonly Value[],
    name: string,
    made: Node[],
  ): Value {
    const length = pieces.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const output: Value = { name: `${name} part ${made.length}`, dataType: pieces[0]!.dataType, shape: [length] };
    made.push({ name: output.name, opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  /** What was split into exactly these pieces. */
  private splitInto(pieces: readonly Value[]): Value | null {
    const split = this.makers.get(pieces[0]!.name);
    if (split?.opType !== 'Split' || split.outputs.length !== pieces.length) return null;
    const isWhole = split.outputs.every(({ name }, i) => name === pieces[i]!.name);
    return isWhole && split.inputs[0]!.shape.length === 1 ? split.inputs[0]! : null;
  }

  /** The operation that made all pieces, and their operands place by place; null where there is none. */
  private operandsOf(pieces: readonly Value[]): { opType: string; inputs: Value[][] } | null {
    const nodes = pieces.map(({ name }) => this.makers.get(name));
    const opType = nodes[0]?.opType ?? '';
    if (!elementWise.has(opType)) return null;
    const areAlike = nodes.every((node, i) => node?.opType === opType && this.readers.get(pieces[i]!.name) === 1);
    if (!areAlike) return null;
    const inputs = [0, 1].map((place) => nodes.map((node) => node!.inputs[place]!));
    return inputs.every((values) => canBeJoined(values, pieces)) ? { opType, inputs } : null;
  }

  private joinOperands(values: readonly Value[], pieces: readonly Value[], name: string, made: Node[]): Value {
    const [first] = values as [Value];
    if (first.shape.length > 0) return this.join(values, name, made);
    if (values.every((value) => value.name === first.name)) return first;
    const numbers = pieces.flatMap(({ shape }, i) =>
      new Array<number>(sizeOf(shape)).fill(Number(values[i]!.constant!.data[0])),
    );
    const constant = tensor(first.dataType, [numbers.length], numbers);
    const value = { name: `${name} numbers ${this.constants.length}`, dataType: first.dataType, shape: constant.shape };
    this.constants.push({ ...value, constant });
    return { ...value, constant };
  }
}

/** Operands as long as their pieces, or scalars that are all the same or all known. */
function canBeJoined(values: readonly Value[], pieces: readonly Value[]): boolean {
  if (values.every(({ shape }, i) => sameShape(shape, pieces[i]!.shape))) return true;
  if (!values.every(({ shape }) => shape.length === 0)) return false;
  return values.every(({ name }) => name === values[0]!.name) || values.every(({ constant }) => constant !== undefined);
}

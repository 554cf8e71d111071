/**
 * The golden cases of the operators (tests/golden/engine/ops-*.json) as graphs: the operator alone, a loss
 * Σ output·upstream over the outputs that have an upstream gradient, and the gradients by the inputs that want one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import type { Attributes, DataType, Graph, Shape, Value } from '../../src-main/engine/graph/types.ts';
import { definitionOf, newGraph, opTypes } from '../../src-main/engine/ops/index.ts';
import { optimise, type PassOptions } from '../../src-main/engine/passes/index.ts';
import { floats, toTensor, type Feeds, type TypedValues } from './engine-run.ts';

interface CaseInput extends TypedValues {
  /** An initializer instead of a graph input. */
  constant?: true;
  /** d loss / d input; absent where none is wanted. */
  gradient?: number[];
}
interface CaseOutput extends TypedValues {
  upstream?: number[];
}
export interface OpCase {
  opType: string;
  domain: string;
  name: string;
  attributes: Record<string, unknown>;
  inputs: (CaseInput | null)[];
  outputs: CaseOutput[];
  /** Worst relative error of PyTorch's own float32, in the order of the outputs and of the wanted gradients. */
  torch32: { outputs: number[]; gradients: number[] };
  /** The operator is straight but for kinks: differences count only where no kink is near. */
  kinks?: true;
  /** Why central differences say nothing about this case. */
  noFiniteDifferences?: string;
  /** The output's type where it is not the one of the reference. */
  outputType?: DataType;
  /** Loops: the first input is not an operand but what the body reads under this name. */
  readsFirst?: string;
  /** Loops: the scan output has fewer rows than its inferred shape says, which is the most there can be. */
  fewerRows?: true;
}

const folder = new URL('../golden/engine/', import.meta.url);
export const readGolden = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T;

export const opCases: readonly OpCase[] = readdirSync(folder)
  .filter((file) => file.startsWith('ops-') && file.endsWith('.json'))
  .flatMap((file) => readGolden<{ cases: OpCase[] }>(file).cases);

export const caseTitle = ({ opType, name }: OpCase): string => `${opType}: ${name}`;
/**
 * Operators with cases of their own. onnxruntime's blocked ones have none: what lies in their values is the machine's
 * affair, and the formulations that are made of them are held to the cases of what they compute.
 */
export const opTypesWithCases = opTypes.filter((opType) => !opType.startsWith('nchwc.'));
export const isDifferentiable = ({ opType, domain }: Pick<OpCase, 'opType' | 'domain'>): boolean =>
  typeof definitionOf(opType, domain, 'test').gradient === 'function';

/** Names of a case graph's inputs and outputs. */
export const inputName = (index: number): string => `input${index}`;
export const outputName = (index: number): string => `output${index}`;
const upstreamName = (index: number): string => `upstream${index}`;
export const gradientName = (index: number): string => `gradient${index}`;

export interface CaseGraph {
  graph: Graph;
  /** Inferred shapes by output name. */
  shapes: Map<string, Shape>;
}

/** The forward graph and, where `withGradients`, the gradients of the loss; lowered as `options` say. */
export function buildCase(testCase: OpCase, withGradients: boolean, options: PassOptions = {}): CaseGraph {
  const g = newGraph('case');
  const values = testCase.inputs.map((input, i) => {
    if (!input) return null;
    return input.constant ? g.constant(toTensor(input)) : g.input(inputName(i), input.dataType, input.shape);
  });
  const outputs = applyOp(g, testCase, values);
  const shapes = new Map<string, Shape>();
  const declare = (value: Value, name: string): void => {
    g.output(value, name);
    shapes.set(name, value.shape);
  };
  outputs.forEach((value, i) => declare(value, outputName(i)));
  if (withGradients && outputs.some((_, i) => testCase.outputs[i]?.upstream)) {
    const wanted = values.flatMap((value, i) => (value && testCase.inputs[i]?.gradient ? [{ value, i }] : []));
    const found = gradients(
      g,
      weightedSum(g, testCase, outputs),
      wanted.map(({ value }) => value),
    );
    wanted.forEach(({ value, i }, k) => declare(found[k] ?? g.float(0, value.shape), gradientName(i)));
  }
  return { graph: optimise(g.graph, options), shapes };
}

/** Every graph input of the case at its golden value; `replaced` stands in for some of them. */
export function caseFeeds(testCase: OpCase, withGradients: boolean, replaced: Feeds = {}): Feeds {
  const inputs = testCase.inputs.flatMap((input, i) =>
    input && !input.constant ? [[inputName(i), toTensor(input)] as const] : [],
  );
  const upstreams = testCase.outputs.flatMap(({ upstream, shape }, i) =>
    withGradients && upstream ? [[upstreamName(i), floats(shape, upstream)] as const] : [],
  );
  return { ...Object.fromEntries([...inputs, ...upstreams]), ...replaced };
}

function applyOp(g: Builder, testCase: OpCase, values: (Value | null)[]): Value[] {
  const { opType, domain, outputs, readsFirst } = testCase;
  if (readsFirst === undefined) return g.ops(opType, values, testCase.attributes as Attributes, outputs.length, domain);
  const [outer, ...operands] = values;
  const body = buildBody(g, testCase.attributes['body'] as BodySpec, new Map([[readsFirst, outer!]]));
  return g.ops(opType, operands, { body }, outputs.length, domain);
}

function weightedSum(g: Builder, testCase: OpCase, outputs: readonly Value[]): Value {
  const terms = outputs.flatMap((value, i) => {
    if (!testCase.outputs[i]?.upstream) return [];
    const upstream = g.input(upstreamName(i), 'float32', value.shape);
    return [
      g.reduceSum(
        g.mul(g.cast(value, 'float32'), upstream),
        value.shape.map((_, axis) => axis),
      ),
    ];
  });
  return terms.reduce((a, b) => g.add(a, b));
}

interface BodySpec {
  inputs: { name: string; dataType: DataType; shape: number[] }[];
  constants: ({ name: string } & TypedValues)[];
  nodes: { opType: string; inputs: string[]; output: string; attributes: Attributes }[];
  outputs: string[];
}

/** A Loop's body from its description; names that it does not make itself are looked up in `outer`. */
function buildBody(g: Builder, spec: BodySpec, outer: ReadonlyMap<string, Value>): Graph {
  const body = g.subgraph('body');
  const values = new Map(outer);
  for (const { name, dataType, shape } of spec.inputs) values.set(name, body.input(name, dataType, shape));
  for (const constant of spec.constants) values.set(constant.name, body.constant(toTensor(constant)));
  for (const { opType, inputs, output, attributes } of spec.nodes) {
    values.set(
      output,
      body.op(
        opType,
        inputs.map((name) => values.get(name)!),
        attributes,
      ),
    );
  }
  for (const name of spec.outputs) body.output(values.get(name)!, `${name}Out`);
  return body.graph;
}

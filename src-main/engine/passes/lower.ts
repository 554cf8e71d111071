/** Lowers abstract operators (domain "fovea") to ONNX, each by the formulation that `choose` names. */
import { invariant } from '../../contract/errors.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { Formulation, Inputs, LoweringContext, ShapeContext } from '../ops/definition.ts';
import { definitionOf } from '../ops/index.ts';
import { rewrite } from './rewrite.ts';
import type { Attributes } from '../graph/types.ts';

/** Picks one of the formulations that apply; they are in order of preference. */
export type ChooseFormulation = (node: Node, applicable: readonly string[]) => string;
const firstThatApplies: ChooseFormulation = (_, applicable) => applicable[0]!;

export interface LowerOptions {
  choose?: ChooseFormulation;
  /** As in ShapeContext. */
  channelBlock?: number | null;
}

/** Formulations by name with those that suit a node's shapes first. */
function applicableFormulations(
  formulations: Readonly<Record<string, Formulation<Attributes>>>,
  context: ShapeContext<Attributes>,
): string[] {
  const names = Object.keys(formulations).filter((name) => formulations[name]!.applies(context));
  const suiting = names.filter((name) => formulations[name]!.suits?.(context) ?? false);
  return [...suiting, ...names.filter((name) => !suiting.includes(name))];
}

export function lower(graph: Graph, options: LowerOptions = {}): Graph {
  let current = graph;
  // A formulation may use abstract operators itself, so lower until none is left.
  do current = lowerOnce(current, options);
  while (hasAbstractNodes(current));
  return current;
}

function lowerOnce(graph: Graph, { choose = firstThatApplies, channelBlock = null }: LowerOptions): Graph {
  const abstractNodes = hasAbstractNodes(graph);
  let count = 0;
  const lowered = rewrite(graph, (g, node) => {
    const { formulations } = definitionOf(node.opType, node.domain, node.name);
    if (!formulations) return null;
    const { name, attributes, inputs, outputs } = node;
    const context: LoweringContext<Attributes> = {
      g,
      name,
      attributes,
      inputs: inputs as unknown as Inputs,
      outputCount: outputs.length,
      channelBlock,
    };
    const applicable = applicableFormulations(formulations, context);
    invariant(applicable.length > 0, `${name}: no formulation of ${node.opType} applies`);
    if (node.domain === 'fovea') count++;
    return formulations[choose(node, applicable)]!.build(context);
  });
  // Rewriting copies a node that makes a graph's output, to keep the name; `Builder.output` puts an Identity there.
  invariant(
    count > 0 || !abstractNodes,
    `${graph.name}: an abstract operator makes an output itself; an Identity must stand behind it`,
  );
  return lowered;
}

function hasAbstractNodes(graph: Graph): boolean {
  return graph.nodes.some((node) => {
    const body = node.attributes['body'];
    return node.domain === 'fovea' || (node.opType === 'Loop' && hasAbstractNodes(body as Graph));
  });
}

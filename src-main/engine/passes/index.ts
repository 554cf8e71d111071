/** The passes in the order in which a graph goes through them, verified before and after each. */
import type { Graph } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { opRules } from '../ops/index.ts';
import { debugLevel, debugLog } from '../graph/debug.ts';
import { cleanUpAlgebra } from './algebra.ts';
import { foldConstants } from './fold-constants.ts';
import { fuseChains } from './fuse.ts';
import { foldIntoConvolutions, fuseIntoBlocked, keepBlocks } from './inference.ts';
import { lower, type LowerOptions } from './lower.ts';
import { mixedPrecision } from './mixed-precision.ts';
import { nameOutputs } from './outputs.ts';
import { recompute } from './recompute.ts';
import { scaleKernels } from './scale-kernels.ts';
import { mergeEqualNodes, removeDeadNodes } from './simplify.ts';

export interface PassOptions extends LowerOptions {
  /** 'mixed' computes in half what can be; float32 where absent. */
  precision?: 'float32' | 'mixed';
  /** Nothing is trained by this graph. */
  forInference?: boolean;
}

type Pass = [name: string, pass: (graph: Graph) => Graph];

/** From a graph as built to a graph that a runtime can run. */
export function optimise(graph: Graph, options: PassOptions = {}): Graph {
  const isMixed = options.precision === 'mixed';
  // Blocked convolutions know float32 only.
  const lowering = isMixed ? { ...options, channelBlock: null } : options;
  const passes: Pass[] = [
    ['remove dead nodes', removeDeadNodes],
    ...(options.forInference ? [['fold into convolutions', foldIntoConvolutions] satisfies Pass] : []),
    ['scale kernels, not images', scaleKernels],
    ['lower abstract operators', (g) => lower(g, lowering)],
    ['fold constants', foldConstants],
    ...(options.forInference ? [['keep blocks', keepBlocks] satisfies Pass] : []),
    ['clean up algebra', cleanUpAlgebra],
    ['merge equal nodes', mergeEqualNodes],
    ['remove dead nodes', removeDeadNodes],
    ['fuse chains', fuseChains],
    ...(options.forInference ? [['fuse into blocked convolutions', fuseIntoBlocked] satisfies Pass] : []),
    ...(isMixed ? [['compute in half precision', mixedPrecision] satisfies Pass] : []),
    ['name outputs', nameOutputs],
    ['remove dead nodes', removeDeadNodes],
    ['recompute in the backward pass', recompute],
  ];
  verify(graph, opRules);
  return passes.reduce((current, [name, pass]) => {
    const next = pass(current);
    verify(next, opRules);
    if (debugLevel() >= 2) debugLog(`pass "${name}": ${countNodes(current)} → ${countNodes(next)} nodes`);
    return next;
  }, graph);
}

/** Nodes of a graph and its subgraphs. */
export function countNodes(graph: Graph): number {
  return graph.nodes.reduce(
    (sum, node) => sum + 1 + (node.opType === 'Loop' ? countNodes(node.attributes['body'] as Graph) : 0),
    0,
  );
}

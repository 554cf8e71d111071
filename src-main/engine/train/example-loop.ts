/**
 * Several example steps in one Loop, as training runs them: weights stay inside, so that what is timed is the network and
 * not the way of its weights to the device and back.
 */
import { tensor, type Graph, type Node, type Tensor, type Value } from '../graph/types.ts';

const carriedNames = ['parameters', 'buffers'];

/**
 * `step` is a graph of `buildExampleStep`. Feeds are the step's but for `step` itself, with the carried vectors as
 * `parametersStart` and `buffersStart`, and `steps`, how many to do (at most `most`). Results: the vectors with "After"
 * behind, and losses.
 */
export function loopOfSteps(step: Graph, most: number): Graph {
  const constant = (name: string, value: Tensor): Value => ({ ...value, name, constant: value });
  const scalar = (name: string, dataType: Value['dataType']): Value => ({ name, dataType, shape: [] });
  const [trips, always] = [constant('trips', tensor('int64', [], [most])), constant('always', tensor('bool', [], [1]))];
  const carried = step.inputs.filter(({ name }) => carriedNames.includes(name));
  const starts = carried.map((value): Value => ({ ...value, name: `${value.name}Start` }));
  const steps = scalar('steps', 'int64');
  return {
    name: `${step.name} loop`,
    inputs: [...step.inputs.filter(({ name }) => name !== 'step' && !carriedNames.includes(name)), ...starts, steps],
    initializers: [trips, always],
    ...around(bodyOf(step, carried, steps), carried, [trips, always, ...starts], most),
  };
}

/** The Loop, and its results as the graph's. */
function around(
  body: Graph,
  carried: readonly Value[],
  inputs: readonly Value[],
  most: number,
): Pick<Graph, 'nodes' | 'outputs'> {
  const outputs = [
    ...carried.map((value): Value => ({ ...value, name: `${value.name}After` })),
    { name: 'losses', dataType: 'float32', shape: [most] } as const,
  ];
  const loop: Node = { name: 'Loop', opType: 'Loop', domain: '', inputs, outputs, attributes: { body } };
  return { nodes: [loop], outputs };
}

/** The step, which counts itself and goes on until `steps` are done. */
function bodyOf(step: Graph, carried: readonly Value[], steps: Value): Graph {
  const one: Value = { name: 'one', dataType: 'int64', shape: [], constant: tensor('int64', [], [1]) };
  const turn = step.inputs.find(({ name }) => name === 'step')!;
  const next: Value = { name: 'nextStep', dataType: 'int64', shape: [] };
  const goesOn: Value = { name: 'goesOn', dataType: 'bool', shape: [] };
  const counting = (opType: string, inputs: Value[], output: Value): Node => ({
    name: output.name,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  const result = (name: string): Value => step.outputs.find((output) => output.name === name)!;
  return {
    name: 'step',
    inputs: [turn, { name: 'condition', dataType: 'bool', shape: [] }, ...carried],
    initializers: [...step.initializers, one],
    nodes: [...step.nodes, counting('Add', [turn, one], next), counting('Less', [next, steps], goesOn)],
    outputs: [goesOn, ...carried.map(({ name }) => result(`${name}Next`)), result('loss')],
  };
}

/** From the feeds of a step to those of `steps` of them in a loop. */
export function loopFeeds(feeds: Readonly<Record<string, Tensor>>, steps: number): Record<string, Tensor> {
  const renamed = Object.entries(feeds).flatMap(([name, value]): [string, Tensor][] => {
    if (name === 'step') return [];
    return [[carriedNames.includes(name) ? `${name}Start` : name, value]];
  });
  return { ...Object.fromEntries(renamed), steps: tensor('int64', [], [steps]) };
}

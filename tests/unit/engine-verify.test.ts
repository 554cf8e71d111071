/** verify() finds each broken invariant and names the place. */
import { describe, expect, test } from 'vitest';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { tensor, type Graph, type Node, type Value } from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';

const value = (name: string, shape: number[] = [2]): Value => ({ name, dataType: 'float32', shape });
const relu = (input: Value, output: Value): Node => ({
  name: `making ${output.name}`,
  opType: 'Relu',
  domain: '',
  inputs: [input],
  outputs: [output],
  attributes: {},
});

/** x → Relu → y */
function soundGraph(): Graph {
  const [x, y] = [value('x'), value('y')];
  return { name: 'g', inputs: [x], outputs: [y], initializers: [], nodes: [relu(x, y)] };
}

test('a sound graph passes', () => {
  expect(() => verify(soundGraph(), opRules)).not.toThrow();
});

describe('a broken graph is refused with the place and the reason', () => {
  const constant = (name: string, shape: number[], values: number[]): Value => ({
    ...value(name, shape),
    constant: tensor('float32', shape, values),
  });
  const cases: [string, (graph: Graph) => void, string][] = [
    ['two inputs of one name', (g) => g.inputs.push(value('x')), 'internal: input of g: the value "x" is made twice'],
    ['an input without a name', (g) => g.inputs.push(value('')), 'internal: input of g: a value without a name'],
    [
      'a negative dimension',
      (g) => g.inputs.push(value('z', [2, -1])),
      'internal: input of g: "z" has the shape [2, -1]',
    ],
    [
      'a dimension that is not whole',
      (g) => g.inputs.push(value('z', [1.5])),
      'internal: input of g: "z" has the shape [1.5]',
    ],
    [
      'an initializer with the name of an input',
      (g) => g.initializers.push(constant('x', [1], [1])),
      'internal: initializer of g: the value "x" is made twice',
    ],
    [
      'an initializer that is too short',
      (g) => g.initializers.push(constant('c', [3], [1, 2])),
      'internal: initializer "c" does not fill its shape [3]',
    ],
    [
      'an initializer without elements',
      (g) => g.initializers.push(value('c')),
      'internal: initializer "c" does not fill its shape [2]',
    ],
    [
      'a node that reads what nobody makes',
      (g) => g.nodes.unshift(relu(value('ghost'), value('z'))),
      'internal: making z: reads "ghost", which nothing before it makes',
    ],
    [
      'a node that reads what comes later',
      (g) => g.nodes.unshift(relu(value('y'), value('z'))),
      'internal: making z: reads "y", which nothing before it makes',
    ],
    [
      'a value made by two nodes',
      (g) => g.nodes.push(relu(value('x'), value('y'))),
      'internal: making y: the value "y" is made twice',
    ],
    [
      'a node that makes an input',
      (g) => g.nodes.push(relu(value('y'), value('x'))),
      'internal: making x: the value "x" is made twice',
    ],
    [
      'an output that is never made',
      (g) => g.outputs.push(value('lost')),
      'internal: output "lost" of g is never made',
    ],
    [
      'a stored shape that the rule contradicts',
      (g) => g.nodes.push(relu(value('x'), value('z', [3]))),
      'internal: making z: output 0 is stored as float32 [3], but the rule gives float32 [2]',
    ],
    [
      'a stored type that the rule contradicts',
      (g) => g.nodes.push(relu(value('x'), { ...value('z'), dataType: 'int64' })),
      'internal: making z: output 0 is stored as int64 [2], but the rule gives float32 [2]',
    ],
    [
      'an operator that is not in the table',
      (g) => g.nodes.push({ ...relu(value('x'), value('z')), opType: 'Einsum' }),
      'making z: the operator Einsum (opset 18) is not supported. Supported: Abs, AdaptiveAveragePool, Add,',
    ],
  ];
  test.each(cases)('%s', (_, breakIt, message) => {
    const graph = soundGraph();
    breakIt(graph);
    expect(() => verify(graph, opRules)).toThrow(message);
  });

  test('without an op table, shapes are taken on trust', () => {
    const graph = soundGraph();
    graph.nodes.push(relu(value('x'), value('z', [3])));
    expect(() => verify(graph)).not.toThrow();
  });
});

describe('subgraphs', () => {
  function loop(): { main: Builder; body: Builder } {
    const main = newGraph('main');
    const start = main.input('start', 'float32', [2]);
    const body = main.subgraph('body');
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', [2]);
    body.output(condition, 'goOn');
    body.output(body.mul(carried, start), 'next');
    const always = main.constant(tensor('bool', [], [1]));
    main.output(main.op('Loop', [main.int(2), always, start], { body: body.graph }), 'end');
    return { main, body };
  }

  test('may read values of the graph around them', () => {
    expect(() => verify(loop().main.graph, opRules)).not.toThrow();
  });
  test('must not make a value of the graph around them again', () => {
    const { main, body } = loop();
    body.graph.nodes.push(relu(body.graph.inputs[2]!, value('start')));
    expect(() => verify(main.graph, opRules)).toThrow('internal: making start: the value "start" is made twice');
  });
  test('must not read what nobody makes', () => {
    const { main, body } = loop();
    body.graph.nodes.push(relu(value('end'), value('z')));
    expect(() => verify(main.graph, opRules)).toThrow('internal: making z: reads "end", which nothing before it makes');
  });
  test('keep their values to themselves', () => {
    const { main } = loop();
    main.graph.nodes.push(relu(value('carried'), value('z')));
    expect(() => verify(main.graph, opRules)).toThrow(
      'internal: making z: reads "carried", which nothing before it makes',
    );
  });
});

describe('the builder refuses on the spot, with the layer in the message', () => {
  const inLayer = (build: (g: Builder) => unknown) => () => {
    const g = newGraph('g');
    g.scope('features/conv1', () => build(g));
  };
  const x = (g: Builder, ...shape: number[]): Value => g.input(`x${shape.join('x')}`, 'float32', shape);
  const conv = { kernel_shape: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };

  test.each<[string, (g: Builder) => unknown, string | RegExp]>([
    [
      'shapes that do not broadcast',
      (g) => g.add(x(g, 2, 3), x(g, 4)),
      /features\/conv1\/Add_\d+: expected shapes that broadcast, got \[2, 3\] and \[4\]/,
    ],
    [
      'wrong channels',
      (g) => g.op('Conv', [x(g, 1, 4, 8, 8), x(g, 6, 3, 3, 3)], conv),
      /features\/conv1\/Conv_\d+: expected \[N, 3, H, W\], got \[1, 4, 8, 8\]/,
    ],
    ['wrong rank', (g) => g.op('Conv', [x(g, 4, 8, 8), x(g, 6, 3, 3, 3)], conv), /expected rank 4, got \[4, 8, 8\]/],
    ['inner sizes', (g) => g.matmul(x(g, 2, 3), x(g, 4, 5)), /expected an inner size of 3, got \[4, 5\]/],
    ['a vector as a matrix', (g) => g.matmul(x(g, 3), x(g, 3, 5)), /expected matrices, got \[3\]/],
    ['a reshape to another size', (g) => g.reshape(x(g, 2, 3), [4]), /expected 6 elements, got \[4\]/],
    [
      'an axis outside the rank',
      (g) => g.op('Softmax', [x(g, 2, 3)], { axis: 2 }),
      /features\/conv1\/Softmax_\d+: expected an axis in \[−2, 2\), got 2/,
    ],
    [
      'a permutation with an axis twice',
      (g) => g.transpose(x(g, 2, 3), [0, 0]),
      /expected a permutation of 2 axes, got \[0, 0\]/,
    ],
    ['parts that do not add up', (g) => g.split(x(g, 6), [2, 3], 0), /expected lengths that add up to 6, got \[2, 3\]/],
    [
      'concatenated shapes',
      (g) => g.concat([x(g, 2, 3), x(g, 3, 3)], 1),
      /expected shapes equal to \[2, 3\] but for axis 1, got \[3, 3\]/,
    ],
    [
      'a backward slice',
      (g) => g.op('Slice', [x(g, 4), g.ints([3]), g.ints([0]), g.ints([0]), g.ints([-1])]),
      /expected positive steps, got \[-1\]/,
    ],
    [
      'a shape that is only known at run time',
      (g) => g.op('Reshape', [x(g, 4), g.input('shape', 'int64', [1])]),
      /"shape" must be a constant; only static shapes are supported/,
    ],
    [
      'an unknown operator',
      (g) => g.op('Einsum', [x(g, 4)]),
      /Einsum_\d+: the operator Einsum \(opset 18\) is not supported\. Supported: Abs, .*, Where/,
    ],
    [
      'a known operator of another domain',
      (g) => g.op('QuickGelu', [x(g, 4)], { alpha: { float: 1 } }),
      /the operator QuickGelu \(opset 18\) is not supported/,
    ],
    [
      'an unknown attribute',
      (g) => g.op('Conv', [x(g, 1, 3, 8, 8), x(g, 6, 3, 3, 3)], { ...conv, auto_pad: 'SAME_UPPER' }),
      /Conv_\d+: the attribute "auto_pad" of Conv is not supported\. Supported: kernel_shape, strides, pads, dilations, group/,
    ],
    [
      'any attribute of an operator without some',
      (g) => g.op('Relu', [x(g, 4)], { slope: 1 }),
      /the attribute "slope" of Relu is not supported\. Supported: none/,
    ],
    [
      'an attribute that is missing',
      (g) => g.op('Conv', [x(g, 1, 3, 8, 8), x(g, 6, 3, 3, 3)], { ...conv, strides: undefined }),
      /Conv without the attribute "strides" is not supported/,
    ],
    [
      'another padding mode',
      (g) => g.op('Pad', [x(g, 4), g.ints([1, 1])], { mode: 'wrap' }),
      /Pad's mode "wrap" is not supported\. Supported: constant, edge, reflect/,
    ],
    [
      'a constant that does not fill its shape',
      (g) => g.constant({ dataType: 'float32', shape: [3], data: new Float32Array(2) }),
      /internal: constant of shape \[3\] with 2 elements/,
    ],
  ])('%s', (_, build, message) => {
    expect(inLayer(build)).toThrow(message);
  });
});

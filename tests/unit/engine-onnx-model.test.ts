/** ONNX files: what is written comes back, other programs' files are read, damaged ones are refused in words. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { readModel, writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import {
  dataTypes,
  float,
  isGraph,
  tensor,
  type Graph,
  type Node,
  type Tensor,
  type Value,
} from '../../src-main/engine/graph/types.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { attributeTypes, elementTypes, opset } from '../../src-main/engine/onnx/facts.ts';
import {
  decodeModel,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../../src-main/engine/onnx/schema.ts';
import { newGraph, opRules } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { stateLayout, updateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildTrainGraph } from '../../src-main/engine/train/step-graph.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { buildCase, caseTitle, opCases, readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, relativeError, runGraph, runtime } from '../helpers/engine-run.ts';
import { adam, phase, smallConfig } from '../helpers/run-config.ts';
import { taskOf } from '../helpers/training-run.ts';

const read = (bytes: Uint8Array): ReturnType<typeof readModel> => readModel(bytes, opRules.inferOutputs);

/** What a file keeps of a graph: floats in single precision, no attributes without a value. */
function asStored(graph: Graph): Graph {
  const attribute = (value: Node['attributes'][string]) => {
    if (typeof value !== 'object') return value;
    if (isGraph(value)) return asStored(value);
    return 'float' in value ? float(Math.fround(value.float)) : Array.isArray(value) ? [...value] : value;
  };
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      attributes: Object.fromEntries(
        Object.entries(node.attributes)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => [name, attribute(value)]),
      ),
    })),
  };
}

function lenetTrainGraph(): Graph {
  const plan = planModel('lenet5', { batchNorm: true, dropout: 0.25 }, [1, 16, 16], 3);
  const settings = phase({ optimiser: { ...adam, weightDecay: 0.01 }, clipNorm: 1 });
  return buildTrainGraph({
    plan,
    layout: stateLayout(plan, settings),
    update: updateSettings({ accumulation: 2, ema: { decay: 0.99, warmupSteps: 10 } }, settings),
    preprocessing: modelSpec('lenet5').preprocessing,
    augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 2 },
    task: taskOf(smallConfig()),
    imageCount: 4,
    batchSize: 2,
    maximumSteps: 3,
    seed: 5,
  });
}

describe('writing and reading gives the same graph', () => {
  test.each(
    opCases.filter(({ domain }) => domain !== 'fovea').map((testCase) => [caseTitle(testCase), testCase] as const),
  )('%s', (_, testCase) => {
    const { graph } = buildCase(testCase, true);
    expect(read(writeModel(graph)).graph).toEqual(asStored(graph));
  });

  test('a whole training graph with its Loop, and its metadata', () => {
    const graph = lenetTrainGraph();
    const loop = graph.nodes.find(({ opType }) => opType === 'Loop');
    expect(loop && isGraph(loop.attributes['body']!) && loop.attributes['body'].nodes.length).toBeGreaterThan(50);
    const { graph: back, metadata } = read(writeModel(graph, { model: 'lenet5', note: 'naïve ✓' }));
    expect(back).toEqual(asStored(graph));
    expect(metadata).toEqual({ model: 'lenet5', note: 'naïve ✓' });
    expect(() => verify(back, opRules)).not.toThrow();
    expect(Buffer.compare(writeModel(back, metadata), writeModel(graph, metadata))).toBe(0);
  });

  test('every element type, scalars and empty tensors, at the edges of their ranges', () => {
    const samples: Tensor[] = [
      tensor('float32', [2], [-0, 1e-45]),
      tensor('float64', [1], [Math.PI]),
      { dataType: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xfc00) },
      { dataType: 'int64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
      { dataType: 'uint64', shape: [], data: BigUint64Array.of(2n ** 64n - 1n) },
      tensor('int32', [1], [-(2 ** 31)]),
      tensor('uint32', [1], [2 ** 32 - 1]),
      tensor('uint8', [3], [0, 1, 255]),
      tensor('int8', [2], [-128, 127]),
      tensor('bool', [2], [1, 0]),
      tensor('float32', [0, 3], []),
      tensor('float32', [], [7]),
    ];
    expect(new Set(samples.map(({ dataType }) => dataType))).toEqual(new Set(dataTypes));
    const g = newGraph('constants');
    for (const sample of samples) g.constant(sample);
    const { graph } = read(writeModel(g.graph));
    expect(graph.initializers.map(({ constant }) => constant)).toEqual(samples);
  });
});

describe('files of other programs', () => {
  test("PyTorch's exporter: the graph computes what PyTorch computes", async () => {
    const bytes = readFileSync(new URL('../golden/engine/pytorch-export.onnx', import.meta.url));
    const { x, y } = readGolden<{ x: number[]; y: number[] }>('pytorch-export.json');
    const { graph } = read(bytes);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual([
      'Conv',
      'Relu',
      'MaxPool',
      'Reshape',
      'Gemm',
      'LogSoftmax',
    ]);
    expect(graph.initializers.map(({ name }) => name)).toEqual([
      'conv.weight',
      'conv.bias',
      'fc.weight',
      'fc.bias',
      '/Constant_output_0',
    ]);
    const results = await runGraph(optimise(graph), { x: floats([2, 2, 4, 4], x) });
    expect(relativeError(numbersOf(results, 'y'), y)).toBeLessThan(1e-6);
  });

  test('numbers in typed fields instead of raw bytes', () => {
    const tensors: [TensorProto, Tensor][] = [
      [{ dataType: elementTypes.float32, dims: [2], floatData: [1.5, -2] }, tensor('float32', [2], [1.5, -2])],
      [{ dataType: elementTypes.float64, dims: [1], doubleData: [0.1] }, tensor('float64', [1], [0.1])],
      [{ dataType: elementTypes.int64, dims: [2], int64Data: [-1, 2 ** 40] }, tensor('int64', [2], [-1, 2 ** 40])],
      [{ dataType: elementTypes.uint8, dims: [1], int32Data: [200] }, tensor('uint8', [1], [200])],
      [{ dataType: elementTypes.bool, dims: [2], int32Data: [0, 1] }, tensor('bool', [2], [0, 1])],
    ];
    const model = modelOf({ initializer: tensors.map(([proto], i) => ({ ...proto, name: `t${i}` })) });
    expect(read(model).graph.initializers.map(({ constant }) => constant)).toEqual(tensors.map(([, value]) => value));
  });

  test('an initializer that is listed as an input too is an initializer', () => {
    const valueInfo = { name: 'w', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } } };
    const model = modelOf({ input: [valueInfo], initializer: [{ name: 'w', dataType: 1, dims: [1], floatData: [3] }] });
    expect(read(model).graph.inputs).toEqual([]);
  });

  test('attributes that only spell out the default are no obstacle', () => {
    const node: NodeProto = {
      name: 'pool',
      opType: 'Reshape',
      input: ['x', 's'],
      output: ['y'],
      attribute: [{ name: 'allowzero', i: 0, type: attributeTypes.int }],
    };
    const shape = { name: 's', dataType: elementTypes.int64, dims: [1], int64Data: [4] };
    const { graph } = read(modelOf({ input: [inputX], initializer: [shape], node: [node] }));
    expect(graph.nodes[0]!.outputs).toEqual([{ name: 'y', shape: [4], dataType: 'float32' }]);
  });
});

const inputX = { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }, { dimValue: 2 }] } } } };
const modelOf = (graph: NonNullable<ModelProto['graph']>, version = opset): Uint8Array =>
  encodeModel({ irVersion: 8, graph: { name: 'g', ...graph }, opsetImport: [{ domain: '', version }] });

describe('what is not supported is named, with what is', () => {
  const node = (changes: NodeProto): NodeProto => ({
    name: 'n1',
    opType: 'Relu',
    input: ['x'],
    output: ['y'],
    ...changes,
  });
  const withNode = (changes: NodeProto): Uint8Array => modelOf({ input: [inputX], node: [node(changes)] });
  const tensorWith = (changes: TensorProto): Uint8Array =>
    modelOf({ initializer: [{ name: 'w', dataType: 1, dims: [2], floatData: [1, 2], ...changes }] });

  test.each<[string, Uint8Array, FoveaError['code'], string | RegExp]>([
    [
      'an operator',
      withNode({ opType: 'Einsum' }),
      'unsupported',
      /^n1: the operator Einsum \(opset 18\) is not supported\. Supported: Abs, .*, Where/,
    ],
    [
      'an operator named like a method of objects',
      withNode({ opType: 'constructor' }),
      'unsupported',
      'n1: the operator constructor (opset 18) is not supported',
    ],
    [
      'an operator of another domain',
      withNode({ domain: 'ai.onnx.ml' }),
      'unsupported',
      'n1: the operator ai.onnx.ml.Relu (opset 18) is not supported',
    ],
    [
      'an attribute',
      withNode({ attribute: [{ name: 'alpha', f: 0.1, type: attributeTypes.float }] }),
      'unsupported',
      'n1: the attribute "alpha" of Relu is not supported. Supported: none',
    ],
    [
      'a type of attribute',
      withNode({ attribute: [{ name: 'weights', type: 11 }] }),
      'unsupported',
      'n1: the attribute "weights" has type 11, which is not supported. Supported: float, int, string, tensor, graph, floats, ints, strings',
    ],
    ['an old opset', modelOf({}, 11), 'unsupported', 'This ONNX model uses opset 11. Supported: 13 to 18.'],
    ['a future opset', modelOf({}, 19), 'unsupported', 'This ONNX model uses opset 19. Supported: 13 to 18.'],
    [
      'no opset',
      encodeModel({ irVersion: 8, graph: { name: 'g' } }),
      'unsupported',
      'This ONNX model uses opset 0. Supported: 13 to 18.',
    ],
    ['no graph', encodeModel({ irVersion: 8 }), 'bad-input', 'This ONNX model holds no graph.'],
    [
      'a dimension with a name',
      modelOf({
        input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'batch' }] } } } }],
      }),
      'unsupported',
      'x: the dimension "batch" is not fixed; only static shapes are supported.',
    ],
    [
      'an element type',
      tensorWith({ dataType: 16 }),
      'unsupported',
      'w: element type 16 is not supported. Supported: float32, float16,',
    ],
    [
      'data in another file',
      tensorWith({ dataLocation: 1 }),
      'unsupported',
      'w: its data lie in another file, which is not supported.',
    ],
    ['too few elements', tensorWith({ dims: [3] }), 'bad-input', 'w: expected 3 elements, got 2.'],
    [
      'bytes that are no whole elements',
      tensorWith({ floatData: [], rawData: new Uint8Array(7) }),
      'bad-input',
      'w: 7 bytes are no whole number of float32 elements.',
    ],
    [
      'a value that nobody makes',
      withNode({ input: ['ghost'] }),
      'bad-input',
      'n1: reads "ghost", which nothing before it makes.',
    ],
    [
      'an output that nobody makes',
      modelOf({ output: [inputX] }),
      'bad-input',
      'output of g: reads "x", which nothing before it makes.',
    ],
    [
      'too few inputs',
      withNode({ opType: 'Add', input: [] }),
      'bad-input',
      'n1: this Add does not fit its inputs: inputs are missing or wrong.',
    ],
    [
      'inputs that do not fit',
      modelOf({
        input: [inputX],
        initializer: [{ name: 'w', dataType: 1, dims: [3], floatData: [1, 2, 3] }],
        node: [node({ opType: 'Add', input: ['x', 'w'] })],
      }),
      'bad-input',
      'n1: this Add does not fit its inputs: expected shapes that broadcast, got [2, 2] and [3].',
    ],
    ['too many outputs', withNode({ output: ['y', 'z'] }), 'bad-input', 'n1: Relu has 1 outputs, but 2 are asked for.'],
  ])('%s', (_, bytes, code, message) => {
    expect(() => read(bytes)).toThrow(message);
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code }));
  });
});

describe('damaged files', () => {
  const notAModel = 'This is not an ONNX model: it is damaged or of another format.';

  /** Reading ends in a graph or in an error of ours, nothing else. */
  function outcome(bytes: Uint8Array): 'read' | FoveaError['code'] {
    try {
      read(bytes);
      return 'read';
    } catch (error) {
      if (!(error instanceof FoveaError)) throw error;
      expect(error.message).not.toMatch(/^internal:|undefined|\[object/);
      return error.code;
    }
  }

  test('files of other kinds', () => {
    for (const text of ['', 'PK\u0003\u0004 not a model', '{"graph": 1}', '\u0089PNG\r\n\u001a\n']) {
      expect(['bad-input', 'unsupported'], JSON.stringify(text)).toContain(outcome(Buffer.from(text, 'latin1')));
    }
    expect(() => read(Buffer.from('PK\u0003\u0004 not a model'))).toThrow(notAModel);
  });

  test('cut off anywhere', () => {
    const bytes = readFileSync(new URL('../golden/engine/pytorch-export.onnx', import.meta.url));
    expect(outcome(bytes)).toBe('read');
    for (let length = 0; length < bytes.length - 1; length++)
      expect(outcome(bytes.subarray(0, length)), `${length} bytes`).not.toBe('read');
  });

  test.each([1, 2, 3])('with random bytes changed, seed %i', (seed) => {
    const random = Random.derive(seed, 'damage');
    const sound = writeModel(
      buildCase(
        opCases.find(({ opType, domain }) => opType === 'Conv' && domain === '')!,
        true,
      ).graph,
    );
    const outcomes = new Map<string, number>();
    for (let round = 0; round < 300; round++) {
      const bytes = sound.slice();
      for (let i = 0; i <= random.below(4); i++) bytes[random.below(bytes.length)] = random.below(256);
      const found = outcome(bytes);
      outcomes.set(found, (outcomes.get(found) ?? 0) + 1);
    }
    expect(
      outcomes.get('bad-input') ?? 0,
      `outcomes of seed ${seed}: ${JSON.stringify([...outcomes])}`,
    ).toBeGreaterThan(10);
  });
});

test('sizes are hidden where that is asked for, and it computes the same', async () => {
  const g = newGraph('open');
  const x = g.input('x', 'float32', [2, 3]);
  g.output(g.op('Relu', [g.reshape(x, [3, 2])]), 'y');
  const bytes = writeModel(g.graph, {}, { hidesSizes: true });
  const { input } = decodeModel(bytes).graph!;
  const known = input!.map(({ type }) => type!.tensorType!.shape!.dim!.map((dim) => Object.hasOwn(dim, 'dimValue')));
  // x, of which only the rank is told, and the shape that Reshape asks for.
  expect(known).toEqual([[false, false], [true]]);
  const session = await runtime.createSession(bytes, { device: 'cpu', threads: 1 });
  const { y } = await session.run({ x: tensor('float32', [2, 3], [-1, 2, -3, 4, -5, 6]) });
  await session.release();
  expect(y).toEqual(tensor('float32', [3, 2], [0, 2, 0, 4, 0, 6]));
});

test('negative and large integers survive the protobuf layer', () => {
  const axes: Value = { name: 'a', dataType: 'int64', shape: [1], constant: tensor('int64', [1], [-1]) };
  const model = decodeModel(writeModel({ name: 'g', inputs: [], outputs: [], initializers: [axes], nodes: [] }));
  expect([...(model.graph?.initializer?.[0]?.rawData ?? [])]).toEqual(new Array(8).fill(255));
  const g = newGraph('axis');
  g.op('Softmax', [g.input('x', 'float32', [2, 3])], { axis: -2 });
  expect(read(writeModel(g.graph)).graph.nodes[0]!.attributes).toEqual({ axis: -2 });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));

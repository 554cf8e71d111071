/**
 * Gradients against central differences of the forward graph, which shares nothing with the gradient rules. The forward
 * runs in float32, so the five-point formula is used: at a step of 1/16 its own error is far below float32's rounding.
 *   f'(x) ≈ (8·(f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h
 */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import type { Value } from '../../src-main/engine/graph/types.ts';
import { newGraph, OPS } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import {
  buildCase,
  caseFeeds,
  caseTitle,
  gradientName,
  inputName,
  isDifferentiable,
  opCases,
  opTypesWithCases,
  outputName,
  type OpCase,
} from '../helpers/engine-cases.ts';
import {
  floats,
  numbersOf,
  runGraph,
  runtime,
  scalarOf,
  withSession,
  type Feeds,
  type Results,
} from '../helpers/engine-run.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';

const step = 1 / 16;
/** Elements of one input that are tried; spread evenly where there are more. */
const mostElements = 16;

/** Float32 gives the loss to about 1e-7 of its largest terms; divided by the step that is the absolute tolerance. */
const relativeTolerance = 1e-3;
const absoluteTolerance = (lossScale: number): number => 1e-5 * lossScale + 1e-5;

/** Σ output·upstream in double precision, and the sum of its terms' sizes. */
function lossOf(testCase: OpCase, results: Results): { loss: number; scale: number } {
  let loss = 0;
  let scale = 0;
  testCase.outputs.forEach(({ upstream }, i) => {
    if (!upstream) return;
    numbersOf(results, outputName(i)).forEach((value, k) => {
      loss += value * upstream[k]!;
      scale += Math.abs(value * upstream[k]!);
    });
  });
  return { loss, scale };
}

async function differences(testCase: OpCase, session: Session, input: number, element: number) {
  const { shape, data } = testCase.inputs[input]!;
  let scale = 0;
  const at = async (offset: number): Promise<number> => {
    const moved = data.map((value, i) => (i === element ? value + offset : value));
    const found = lossOf(
      testCase,
      await session.run(caseFeeds(testCase, false, { [inputName(input)]: floats(shape, moved) })),
    );
    scale = Math.max(scale, found.scale);
    return found.loss;
  };
  const [p2, p1, here, m1, m2] = [
    await at(2 * step),
    await at(step),
    await at(0),
    await at(-step),
    await at(-2 * step),
  ];
  const near = (p1 - m1) / (2 * step);
  const far = (p2 - m2) / (4 * step);
  // Operators with kinks are straight between them: away from a kink all four stretches have one slope.
  const stretches = [p2 - p1, p1 - here, here - m1, m1 - m2].map((rise) => rise / step);
  return { slope: (4 * near - far) / 3, bend: Math.max(...stretches) - Math.min(...stretches), scale };
}

const spread = (length: number): number[] => {
  const count = Math.min(length, mostElements);
  return Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
};

const smoothCases = opCases.filter(
  (c) => c.inputs.some((input) => input?.gradient) && c.noFiniteDifferences === undefined,
);

describe('central differences agree with the gradient', () => {
  const skippedAtKinks = new Map<string, { tried: number; skipped: number }>();

  test.each(smoothCases.map((testCase) => [caseTitle(testCase), testCase] as const))('%s', async (_, testCase) => {
    const analytic = await runGraph(buildCase(testCase, true).graph, caseFeeds(testCase, true));
    const counts = skippedAtKinks.get(testCase.opType) ?? { tried: 0, skipped: 0 };
    skippedAtKinks.set(testCase.opType, counts);
    await withSession(buildCase(testCase, false).graph, async (session) => {
      for (const [i, input] of testCase.inputs.entries()) {
        if (!input?.gradient) continue;
        const gradient = numbersOf(analytic, gradientName(i));
        for (const element of spread(gradient.length)) {
          const { slope, bend, scale } = await differences(testCase, session, i, element);
          const tolerance = absoluteTolerance(scale) + relativeTolerance * Math.abs(slope);
          counts.tried++;
          if (testCase.kinks && bend > tolerance) counts.skipped++;
          else {
            const distance = Math.abs(gradient[element]! - slope);
            expect(distance, `input ${i}, element ${element}: ${gradient[element]} against ${slope}`).toBeLessThan(
              tolerance,
            );
          }
        }
      }
    });
  });

  test('every differentiable operator is tried, and few elements lie at a kink', () => {
    const differentiable = opTypesWithCases.filter((opType) => isDifferentiable({ opType, domain: domainOf(opType) }));
    expect([...skippedAtKinks.keys()].sort()).toEqual(differentiable.toSorted());
    for (const [opType, { tried, skipped }] of skippedAtKinks) {
      expect(skipped / tried, `${opType}: share of elements left out`).toBeLessThan(0.5);
    }
  });
});

const domainOf = (opType: keyof typeof OPS): string => (OPS[opType] as { domain?: string }).domain ?? '';

describe('the walk through a graph', () => {
  /** Builds a loss over x [2, 2] and gives d loss / dx at the given x. */
  async function gradientOf(
    build: (g: ReturnType<typeof newGraph>, x: Value) => Value,
    at: number[],
  ): Promise<number[]> {
    const g = newGraph('walk');
    const x = g.input('x', 'float32', [2, 2]);
    const [dx] = gradients(g, build(g, x), [x]);
    g.output(dx!, 'dx');
    const feeds: Feeds = { x: floats([2, 2], at) };
    return numbersOf(await runGraph(optimise(g.graph), feeds), 'dx');
  }
  const sum = (g: ReturnType<typeof newGraph>, value: Value): Value =>
    g.reduceSum(
      value,
      value.shape.map((_, i) => i),
    );

  test('adds up what several uses of a value contribute', async () => {
    // d(x·x + 3x + x) = 2x + 4
    const build = (g: ReturnType<typeof newGraph>, x: Value): Value =>
      sum(g, g.add(g.add(g.mul(x, x), g.scale(x, 3)), x));
    expect(await gradientOf(build, [0, 1, -2, 0.5])).toEqual([4, 6, 0, 5]);
  });

  test('adds up five uses', async () => {
    const build = (g: ReturnType<typeof newGraph>, x: Value): Value => sum(g, g.op('Sum', [x, x, x, x, x]));
    expect(await gradientOf(build, [1, 2, 3, 4])).toEqual([5, 5, 5, 5]);
  });

  test('goes through a chain of operators and views', async () => {
    // Σ over columns of (x transposed)², first row only: d = 2x for x[:, 0]
    const build = (g: ReturnType<typeof newGraph>, x: Value): Value => {
      const row = g.slice(g.transpose(x, [1, 0]), [0], [1], [0]);
      return sum(g, g.mul(row, row));
    };
    expect(await gradientOf(build, [3, 9, -1, 9])).toEqual([6, 0, -2, 0]);
  });

  test('flows through a change of float type and stops at whole numbers', async () => {
    const throughDouble = (g: ReturnType<typeof newGraph>, x: Value): Value =>
      sum(g, g.scale(g.cast(g.cast(x, 'float64'), 'float32'), 2));
    expect(await gradientOf(throughDouble, [1, 2, 3, 4])).toEqual([2, 2, 2, 2]);
    const throughIntegers = (g: ReturnType<typeof newGraph>, x: Value): Value =>
      sum(g, g.add(x, g.scale(g.cast(g.cast(x, 'int64'), 'float32'), 7)));
    expect(await gradientOf(throughIntegers, [1.5, 2.5, 3.5, 4.5])).toEqual([1, 1, 1, 1]);
  });

  test('gives null for a value that does not reach the loss', () => {
    const g = newGraph('null');
    const [x, other] = [g.input('x', 'float32', [3]), g.input('other', 'float32', [3])];
    g.mul(other, other);
    const [dx, dOther] = gradients(g, sum(g, x), [x, other]);
    expect(dx?.shape).toEqual([3]);
    expect(dOther).toBeNull();
  });

  test('takes an inner value as well as an input', async () => {
    const g = newGraph('inner');
    const x = g.input('x', 'float32', [2]);
    const inner = g.scale(x, 5);
    const [dInner] = gradients(g, sum(g, g.mul(inner, inner)), [inner]);
    g.output(dInner!, 'dInner');
    expect(numbersOf(await runGraph(optimise(g.graph), { x: floats([2], [1, -2]) }), 'dInner')).toEqual([10, -20]);
  });

  test('the loss must be one number', () => {
    const g = newGraph('vector loss');
    const x = g.input('x', 'float32', [3]);
    expect(() => gradients(g, x, [x])).toThrow('internal: the loss must be a scalar, got [3]');
  });

  test('accepts a loss of shape [1]', async () => {
    const g = newGraph('loss of one element');
    const x = g.input('x', 'float32', [1]);
    const loss = g.mul(x, x);
    const [dx] = gradients(g, loss, [x]);
    g.output(dx!, 'dx');
    expect(scalarOf(await runGraph(optimise(g.graph), { x: floats([1], [3]) }), 'dx')).toBe(6);
  });

  test('refuses a loss that depends on a trained value through what has no gradient', () => {
    const g = newGraph('floor');
    const x = g.input('x', 'float32', [3]);
    const loss = sum(
      g,
      g.scope('layer', () => g.op('Floor', [x])),
    );
    expect(() => gradients(g, loss, [x])).toThrow(
      /^layer\/Floor_\d+: Floor is not differentiable, but the loss depends on a trained value through it\.$/,
    );
  });

  test('refuses a loop whose body reads a trained value', () => {
    const g = newGraph('loop');
    const x = g.input('x', 'float32', []);
    const start = g.input('start', 'float32', []);
    const body = g.subgraph('body');
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', []);
    body.output(condition, 'goOn');
    body.output(body.mul(carried, x), 'next');
    const always = g.constant({ dataType: 'bool', shape: [], data: Uint8Array.of(1) });
    const result = g.op('Loop', [g.int(3), always, start], { body: body.graph });
    expect(() => gradients(g, result, [x])).toThrow('Loop is not differentiable');
  });

  test('refuses a loss over the statistics of a batch norm', () => {
    const g = newGraph('statistics');
    const x = g.input('x', 'float32', [4, 2]);
    const vector = g.float(1, [2]);
    const [, , variance] = g.ops('BatchNorm', [x, vector, vector], { epsilon: { float: 1e-5 } }, 4, 'fovea');
    expect(() => gradients(g, sum(g, variance!), [x])).toThrow("of BatchNorm's outputs only y may lead to the loss");
  });

  test('a rule that leaves out an input is found out', () => {
    const g = newGraph('three');
    const [a, b, c] = ['a', 'b', 'c'].map((name) => g.input(name, 'float32', [2])) as [Value, Value, Value];
    const loss = sum(g, g.op('Max', [a, b, c]));
    expect(() => gradients(g, loss, [a, c])).toThrow(/the gradient rule of Max leaves out input 2/);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));

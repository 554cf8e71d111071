/** Random numbers: of the right shape, without visible order, and the same again from the same seed. */
import { afterAll, describe, expect, test } from 'vitest';
import { permutation, Random } from '../../src-main/engine/data/random.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { uniform } from '../../src-main/engine/nn/random.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { numbersOf, runtime, withSession } from '../helpers/engine-run.ts';

/** Σ (observed − expected)² / expected over equal bins of [0, 1). */
function chiSquare(values: readonly number[], bins: number): number {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) counts[Math.floor(value * bins)]!++;
  const expected = values.length / bins;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** χ² of k bins has mean k − 1 and variance 2(k − 1): within four standard deviations of it on either side. */
function expectEvenBins(values: readonly number[], bins: number): void {
  const freedom = bins - 1;
  expect(Math.abs(chiSquare(values, bins) - freedom), 'χ² off its mean').toBeLessThan(4 * Math.sqrt(2 * freedom));
}

function expectUniform(values: readonly number[], bins = 64): void {
  expectEvenBins(values, bins);
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
  expect(Math.abs(mean - 0.5), 'mean').toBeLessThan(4 / Math.sqrt(12 * n));
  expect(Math.abs(variance - 1 / 12), 'variance').toBeLessThan(4 / Math.sqrt(180 * n));
}

/** Pearson's; for independent values it is about 1/√n wide. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const dot = (x: readonly number[], mx: number, y: readonly number[], my: number): number =>
    x.reduce((sum, value, i) => sum + (value - mx) * (y[i]! - my), 0);
  return dot(a, meanA, b, meanB) / Math.sqrt(dot(a, meanA, a, meanA) * dot(b, meanB, b, meanB));
}
const expectIndependent = (a: readonly number[], b: readonly number[], what: string): void =>
  expect(Math.abs(correlation(a, b)), `correlation of ${what}`).toBeLessThan(4.5 / Math.sqrt(a.length));

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uniform());

describe('streams', () => {
  const count = 20_000;

  test.each([0, 1, 2, 4294967295])('of seed %i are uniform, and one number says nothing about the next', (seed) => {
    const values = draw(Random.derive(seed, 'test'), count);
    expectUniform(values);
    expectIndependent(values.slice(1), values.slice(0, -1), 'neighbours');
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });
  test('each byte of an integer is uniform', () => {
    const random = Random.derive(7, 'bytes');
    const words = Array.from({ length: count }, () => random.uint32());
    for (const shift of [0, 8, 16, 24])
      expectEvenBins(
        words.map((word) => ((word >>> shift) & 255) / 256),
        256,
      );
  });
  test('are the same again from the same seed and keys', () => {
    const first = Random.derive(3, 'shuffle', 5);
    const second = Random.derive(3, 'shuffle', 5);
    expect(draw(first, 5)).toEqual(draw(second, 5));
  });
  test('stay what they were: a changed generator would break every old run', () => {
    const random = Random.derive(3, 'shuffle', 5);
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([3628339255, 2943496601, 437716331]);
  });
  test('differ by seed and by key, without relation', () => {
    const reference = draw(Random.derive(1, 'shuffle', 0), count);
    const others: Record<string, Random> = {
      'the next seed': Random.derive(2, 'shuffle', 0),
      'the next epoch': Random.derive(1, 'shuffle', 1),
      'another purpose': Random.derive(1, 'layer', 0),
      'no key': Random.derive(1),
    };
    for (const [what, random] of Object.entries(others)) expectIndependent(draw(random, count), reference, what);
  });
  test('a hundred seeds start at a hundred places', () => {
    const firsts = Array.from({ length: 100 }, (_, seed) => Random.derive(seed, 'x').uint32());
    expect(new Set(firsts).size).toBe(100);
  });
  test('integers below a bound come equally often', () => {
    const random = Random.derive(11, 'below');
    expectEvenBins(
      Array.from({ length: count }, () => (random.below(7) + 0.5) / 7),
      7,
    );
    expect(Array.from({ length: 100 }, () => random.below(1))).toEqual(new Array(100).fill(0));
    const large = Array.from({ length: count }, () => random.below(3 * 2 ** 30) / (3 * 2 ** 30));
    expectUniform(large, 3); // A plain remainder would give the first third twice as often.
  });
});

describe('permutations', () => {
  test.each([0, 1, 2, 3, 100, 5000])('of %i hold every number once', (length) => {
    const order = permutation(length, Random.derive(1, 'shuffle', length));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
  });
  test('of three come in all six orders equally often', () => {
    const random = Random.derive(5, 'orders');
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = permutation(3, random).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const [order, seen] of counts) expect(Math.abs(seen - 1000), order).toBeLessThan(4 * Math.sqrt(1000));
  });
  test('send each place anywhere', () => {
    const firsts = Array.from(
      { length: 4000 },
      (_, epoch) => (permutation(50, Random.derive(2, 'shuffle', epoch))[0]! + 0.5) / 50,
    );
    expectEvenBins(firsts, 50);
  });
});

describe('random numbers inside a graph', () => {
  const wholeShape = [16, 40, 8];
  const size = 5120;

  /** The numbers of each asked-for step. */
  async function inGraph(stream: number, steps: readonly number[], shape = wholeShape): Promise<number[][]> {
    const g = newGraph('random');
    g.output(uniform(g, shape, g.input('step', 'int64', []), stream), 'u');
    return withSession(optimise(g.graph), async (session) => {
      const drawn: number[][] = [];
      for (const step of steps) {
        const results = await session.run({ step: tensor('int64', [], [step]) });
        expect(results['u']!.shape).toEqual(shape);
        drawn.push(numbersOf(results, 'u'));
      }
      return drawn;
    });
  }

  /** The same hash in big integers, written from the description of lowbias32 in nn/random.ts. */
  function byHand(stream: number, step: number, position: number): number {
    const mask = 0xffffffffn;
    const mix = (x: bigint): bigint => {
      x ^= x >> 16n;
      x = (x * 0x7feb352dn) & mask;
      x ^= x >> 15n;
      x = (x * 0x68bc21ebn) & mask;
      return x ^ (x >> 16n);
    };
    const key = mix((((BigInt(step) * 0x2c1b3c6dn) & mask) + BigInt(stream)) & mask);
    return Number(mix((mix((BigInt(position) + key) & mask) + key) & mask) >> 8n) / 2 ** 24;
  }

  test('are the hash that they are meant to be', async () => {
    const steps = [0, 1, 77, 2 ** 31 + 5];
    for (const stream of [0, 12345, 2 ** 31 - 1]) {
      const drawn = await inGraph(stream, steps);
      steps.forEach((step, i) => {
        for (const position of [0, 1, 2, 4095, size - 1])
          expect(drawn[i]![position]).toBe(byHand(stream, step, position));
      });
    }
  });

  test('are uniform at every step, and in [0, 1)', async () => {
    for (const values of await inGraph(99, [0, 1, 2, 1000, 50_000])) {
      expectUniform(values);
      expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    }
  });

  test('one position over many steps is uniform too', async () => {
    const drawn = await inGraph(
      4,
      Array.from({ length: 2000 }, (_, step) => step),
      [8],
    );
    for (const position of [0, 1, 7]) expectUniform(drawn.map((values) => values[position]!));
  });

  test('differ by step, by stream and by position, without relation', async () => {
    const [first, next, again] = await inGraph(8, [10, 11, 10]);
    const [other] = await inGraph(9, [10]);
    expect(again).toEqual(first);
    expectIndependent(first!, next!, 'neighbouring steps');
    expectIndependent(first!, other!, 'neighbouring streams');
    expectIndependent(first!.slice(1), first!.slice(0, -1), 'neighbouring positions');
    expectIndependent(first!.slice(0, -320), first!.slice(320), 'rows');
    // A step ahead must not be the same numbers moved along.
    for (let shift = 1; shift <= 3; shift++)
      expectIndependent(first!.slice(shift), next!.slice(0, -shift), `a step moved by ${shift}`);
  });
});

describe('fresh weights', () => {
  const golden = readGolden<{
    uniform: Record<string, { bound: number; largest: number }>;
    constant: Record<string, number>;
  }>('initialisation.json');
  const plan = planModel('lenet5', { batchNorm: true, dropout: 0 }, [3, 32, 32], 10);

  test("have PyTorch's bounds by PyTorch's rule", () => {
    const bounds = plan.parameters.flatMap(({ name, initialiser }) =>
      initialiser.kind === 'uniform' ? [[name, initialiser.bound] as const] : [],
    );
    expect(bounds.map(([name]) => name).sort()).toEqual(Object.keys(golden.uniform).sort());
    for (const [name, bound] of bounds) {
      const { bound: wanted, largest } = golden.uniform[name]!;
      expect(bound, name).toBeCloseTo(wanted, 12);
      expect(largest, `${name}: what PyTorch draws stays inside`).toBeLessThanOrEqual(bound * (1 + 1e-6));
    }
  });

  test('start norms and running statistics where PyTorch starts them', () => {
    const values = initialise(plan.parameters, plan.buffers, 1);
    const constants = [...values]
      .filter(([name]) => name.startsWith('norm'))
      .map(([name, data]) => [name, [...new Set(data)]]);
    expect(Object.fromEntries(constants)).toEqual(
      Object.fromEntries(Object.entries(golden.constant).map(([name, value]) => [name, [value]])),
    );
  });

  test('fill their range evenly', () => {
    for (const seed of [0, 1, 2]) {
      const values = initialise(plan.parameters, plan.buffers, seed);
      for (const [name, { bound }] of Object.entries(golden.uniform)) {
        const unit = Array.from(values.get(name)!, (value) => (value / bound + 1) / 2);
        expect(
          unit.every((value) => value >= 0 && value < 1),
          name,
        ).toBe(true);
        if (unit.length >= 400) expectUniform(unit, 16);
      }
    }
  });

  test('follow from seed and name alone', () => {
    const whole = initialise(plan.parameters, plan.buffers, 6);
    const alone = initialise(
      plan.parameters.filter(({ name }) => name === 'fc2.weight'),
      [],
      6,
    );
    expect(alone.get('fc2.weight')).toEqual(whole.get('fc2.weight'));
    expect(initialise(plan.parameters, [], 7).get('fc2.weight')).not.toEqual(whole.get('fc2.weight'));
    const flat = (name: string): number[] => Array.from(whole.get(name)!);
    expectIndependent(flat('fc2.weight'), flat('fc1.weight').slice(0, flat('fc2.weight').length), 'two tensors');
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));

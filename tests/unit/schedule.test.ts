/** Learning rates of whole phases against PyTorch's schedulers, and the shortest phases there are. */
import { describe, expect, test } from 'vitest';
import type { PhaseConfig, ScheduleConfig } from '../../src-main/contract/model/run.ts';
import { learningRates, updatesPerEpoch } from '../../src-main/contract/model/schedule.ts';
import { readGolden } from '../helpers/engine-cases.ts';

interface Golden {
  learningRate: number;
  schedules: (Pick<PhaseConfig, 'schedule' | 'warmup' | 'epochs'> & { updatesPerEpoch: number; rates: number[] })[];
}
const golden = readGolden<Golden>('schedules.json');
const noWarmup = { epochs: 0, startFactor: 0 };
const oneCycle: ScheduleConfig = { kind: 'one-cycle', startFactor: 0.04, finalFactor: 0.001, riseFraction: 0.3 };

describe('rates of every update are those of PyTorch', () => {
  test.each(golden.schedules.map((entry) => [JSON.stringify([entry.schedule, entry.warmup]), entry] as const))(
    '%s',
    (_, { rates, updatesPerEpoch: updates, ...phase }) => {
      const own = [...learningRates({ ...phase, learningRate: golden.learningRate }, updates)];
      expect(own).toHaveLength(rates.length);
      own.forEach((rate, update) => expect(rate / rates[update]!, `update ${update}`).toBeCloseTo(1, 9));
    },
  );

  test('the golden file has every schedule, with and without warm-up', () => {
    const kinds = golden.schedules.map(({ schedule, warmup }) => `${schedule.kind} ${warmup.epochs > 0}`);
    expect(new Set(kinds).size).toBe(12);
  });
});

describe('what PyTorch leaves open', () => {
  const rates = (schedule: ScheduleConfig, epochs: number, updates: number, warmup = noWarmup): number[] => [
    ...learningRates({ epochs, learningRate: 1, schedule, warmup }, updates),
  ];

  test('a phase of a single update has a rate', () => {
    expect(rates(oneCycle, 1, 1)).toEqual([1]);
    expect(rates({ kind: 'cosine', finalFactor: 0.1 }, 1, 1)).toEqual([1]);
    expect(rates({ kind: 'linear', finalFactor: 0.1 }, 1, 1)).toEqual([1]);
  });

  test('a cycle too short to rise begins at the top, and one that only rises ends there', () => {
    const [first, ...others] = rates(oneCycle, 1, 3);
    expect(first).toBe(1);
    expect(others.at(-1)).toBeCloseTo(0.001, 12);
    const rising = rates({ ...oneCycle, riseFraction: 1 }, 1, 5);
    expect(rising[0]).toBeCloseTo(0.04, 12);
    expect(rising[4]).toBe(1);
    expect(rising.toSorted((a, b) => a - b)).toEqual(rising);
  });

  test('a warm-up may begin at nothing and be longer than its phase', () => {
    expect(rates({ kind: 'constant' }, 1, 2, { epochs: 2, startFactor: 0 })).toEqual([0, 0.25]);
  });

  test('the last update of an epoch may have fewer steps, and the last step fewer images', () => {
    expect(updatesPerEpoch(100, 10, 1)).toBe(10);
    expect(updatesPerEpoch(101, 10, 4)).toBe(3);
    expect(updatesPerEpoch(3, 10, 4)).toBe(1);
  });
});

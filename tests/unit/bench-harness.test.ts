import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { interleave, judge, median, type BenchOutcome } from '../bench/bench.ts';
import { measuredOnce, type Measuring } from '../bench/kept-run.ts';
import { startPythonPeer } from '../bench/python-peer.ts';
import { jsonLine, table } from '../bench/report.ts';

const machine = { cpu: 'Test', cores: 2, memoryGb: 8, system: 'linux 6', node: '24.0.0', onnxruntime: '1.30.0' };
const figure = (name: string, value: number | null) => ({ name, value, explanation: `what ${name} is` });

describe('judge', () => {
  const figures = [figure('timeMs', 12), figure('gain', 0.03), figure('timeOverPeer', null)];

  it.each([
    [{ figure: 'timeMs', bar: 12, direction: 'at-most' }, true],
    [{ figure: 'timeMs', bar: 11.9, direction: 'at-most' }, false],
    [{ figure: 'gain', bar: 0.03, direction: 'at-least' }, true],
    [{ figure: 'gain', bar: 0.031, direction: 'at-least' }, false],
    [{ figure: 'timeOverPeer', bar: 1, direction: 'at-most' }, null],
  ] as const)('%o is %s', (bar, ok) => {
    expect(judge({ figures, bars: [bar] }).ok).toBe(ok);
  });

  it('lets a missed bar outweigh one that could not be judged', () => {
    const bars = [
      { figure: 'timeOverPeer', bar: 1, direction: 'at-most' },
      { figure: 'timeMs', bar: 1, direction: 'at-most' },
    ] as const;
    expect(judge({ figures, bars: [...bars] })).toEqual({
      ok: false,
      bars: [
        { ...bars[0], measured: null, ok: null },
        { ...bars[1], measured: 12, ok: false },
      ],
    });
  });

  it('refuses a bar without a figure', () => {
    expect(() => judge({ figures, bars: [{ figure: 'speed', bar: 1, direction: 'at-most' }] })).toThrow('"speed"');
  });
});

describe('report', () => {
  const outcome: BenchOutcome = {
    figures: [figure('epochMs', 12345.678), figure('timeOverPeer', null)],
    bars: [{ figure: 'timeOverPeer', bar: 1, direction: 'at-most' }],
    notes: ['The peer is not installed.'],
  };

  it('ends in one line of JSON', () => {
    expect(JSON.parse(jsonLine('sample', outcome, judge(outcome), machine))).toEqual({
      bench: 'sample',
      machine,
      figures: { epochMs: 12345.678, timeOverPeer: null },
      bars: { timeOverPeer: { figure: 'timeOverPeer', bar: 1, direction: 'at-most', measured: null, ok: null } },
      ok: null,
    });
  });

  it('prints a table for people', () => {
    expect(table(outcome, judge(outcome), machine).split('\n')).toEqual([
      'Test, 2 cores, 8 GB, linux 6, Node 24.0.0, onnxruntime 1.30.0',
      '',
      'figure        measured  bar',
      'epochMs         12,346         what epochMs is',
      'timeOverPeer         –  ≤ 1 ?  what timeOverPeer is',
      '',
      'The peer is not installed.',
      '',
    ]);
  });
});

it('takes the median', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  expect(() => median([])).toThrow();
});

it('lets contenders take turns, in an order that turns around', async () => {
  const order: string[] = [];
  const contender = (name: string) => () => Promise.resolve(order.push(name));
  const measured = await interleave(3, { ours: contender('ours'), peer: contender('peer') });
  expect(order).toEqual(['ours', 'peer', 'peer', 'ours', 'ours', 'peer']);
  expect(measured).toEqual({ ours: [1, 4, 5], peer: [2, 3, 6] });
});

describe('what takes long', () => {
  let kept: string;
  beforeEach(async () => {
    kept = await mkdtemp(join(tmpdir(), 'fovea-kept-'));
  });
  afterEach(() => rm(kept, { recursive: true, force: true }));

  /** Each epoch measures itself; stops after `last`. */
  const measure = (changes: Partial<Measuring>, last = Infinity): Promise<number[]> => {
    const measuring = { kept, only: null, name: 'aerial-seed1', decisive: {}, epochs: 3, said: () => undefined };
    return measuredOnce({ ...measuring, ...changes }, async (_folder, keep) => {
      for (let epoch = 1; epoch <= Math.min(3, last); epoch++) keep(epoch, epoch);
    });
  };

  it('is not measured again', async () => {
    expect(await measure({})).toEqual([1, 2, 3]);
    expect(await measure({}, 0)).toEqual([1, 2, 3]);
    expect(await measure({ decisive: { batch: 8 } }, 0)).toEqual([]);
  });

  it('is left as it was kept where others are asked for', async () => {
    expect(await measure({}, 2)).toEqual([1, 2]);
    expect(await measure({ only: ['aerial-seed2', 'cells'] })).toEqual([1, 2]);
    expect(await measure({ only: ['cells', 'seed1'] })).toEqual([1, 2, 3]);
  });
});

describe.skipIf(!existsSync('/usr/bin/python3'))('a Python peer (skipped where there is no /usr/bin/python3)', () => {
  const script = fileURLToPath(new URL('../fixtures/counting_peer.py', import.meta.url));

  it('answers, answers several times, and tells its errors', async () => {
    const peer = startPythonPeer('/usr/bin/python3', script);
    expect(await peer.ask({ command: 'add', a: 2, b: 3 })).toEqual({ sum: 5 });
    expect(await peer.ask({ command: 'count', to: 3 })).toEqual({ number: 0 });
    expect([await peer.next(), await peer.next()]).toEqual([{ number: 1 }, { number: 2 }]);
    await expect(peer.ask({ command: 'fail' })).rejects.toThrow('counting_peer.py: out of luck');
    await peer.close();
  });

  it('says so when it has ended', async () => {
    const peer = startPythonPeer('/usr/bin/python3', script);
    await expect(peer.ask({ command: 'leave' })).rejects.toThrow('counting_peer.py ended without an answer.');
    await expect(peer.ask({ command: 'add', a: 1, b: 1 })).rejects.toThrow('ended');
    await peer.close();
  });
});

/** Memory before it is needed: what is alive in a graph, in which order onnxruntime runs it, and a run's estimate. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesOf, executionOrder, peakLiveBytes } from '../../src-main/engine/graph/memory.ts';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { estimateMemory, type MemoryQuestion } from '../../src-main/engine/train/memory-estimate.ts';
import { describeNeed, estimateRun } from '../../src-main/services/runs/run-estimate.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { runtime } from '../helpers/engine-run.ts';
import { sample } from '../helpers/fake-backend.ts';
import { smallConfig } from '../helpers/run-config.ts';

describe('what is alive at once', () => {
  const kilo = 1000; // floats, so 4 kB each

  test('is what a node makes, and what is read later', () => {
    const g = newGraph('chain');
    const x = g.input('x', 'float32', [kilo]);
    const a = g.op('Softmax', [x], { axis: 0 });
    const b = g.op('Softmax', [a], { axis: 0 });
    g.output(g.reduceSum(g.op('MatMul', [g.reshape(a, [1, kilo]), g.reshape(b, [kilo, 1])]), [0, 1]), 'y');
    // a and b, and the product's one number; x is the caller's, reshapes copy nothing
    expect(peakLiveBytes(g.graph)).toBe(2 * 4 * kilo + 4);
  });

  test('includes a loop’s turn: what it carries, as it comes and as it leaves, beside what the graph holds', () => {
    const g = newGraph('loop');
    const x = g.input('x', 'float32', [kilo]);
    const held = g.op('Softmax', [x], { axis: 0 });
    const body = g.subgraph('body');
    body.input('i', 'int64', []);
    const condition = body.input('c', 'bool', []);
    const carried = body.input('carried', 'float32', [kilo]);
    body.output(condition, 'again');
    body.output(body.op('Softmax', [carried], { axis: 0 }), 'next');
    const always = g.constant(tensor('bool', [], [1]));
    const [last] = g.ops('Loop', [g.int(3), always, held], { body: body.graph }, 1);
    g.output(g.add(last!, held), 'y');
    // held, the loop's result, and inside a turn: carried and next
    expect(peakLiveBytes(g.graph)).toBe(4 * 4 * kilo);
  });

  test('knows the size of every type', () => {
    expect(bytesOf({ dataType: 'float16', shape: [3, 5] })).toBe(30);
    expect(bytesOf({ dataType: 'int64', shape: [] })).toBe(8);
    expect(bytesOf({ dataType: 'uint8', shape: [7] })).toBe(7);
  });
});

describe('the order of nodes', () => {
  test.each([
    ['lenet5-bn', 32],
    ['yolov8n', 64],
  ])('of a step of %s is the one in which onnxruntime runs them', async (name, side) => {
    const step = buildExampleStep(exampleNetwork(name), { batchSize: 1, size: [side, side] });
    const graph = optimise(step.graph);
    const folder = mkdtempSync(join(tmpdir(), 'fovea-order-'));
    try {
      const options = { device: 'cpu', threads: 1, unoptimised: true, profilePrefix: join(folder, 'p') } as const;
      const session = await runtime.createSession(writeModel(graph), options);
      await session.run(exampleFeeds(step, 1));
      await session.release();
      const [file] = readdirSync(folder);
      const events = JSON.parse(readFileSync(join(folder, file!), 'utf8')) as { cat: string; name: string }[];
      const ran = events
        .filter(({ cat, name: event }) => cat === 'Node' && event.endsWith('_kernel_time'))
        .map(({ name: event }) => event.replace(/_kernel_time$/, ''));
      expect(executionOrder(graph).map(({ name: node }) => node)).toEqual(ran);
      expect(ran).not.toEqual(graph.nodes.map(({ name: node }) => node));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a run’s estimate', () => {
  const question = (changes: Partial<MemoryQuestion> = {}, batchSize = 64): MemoryQuestion => ({
    config: smallConfig({ batchSize }),
    inputShape: [3, 32, 32],
    categoryCount: 10,
    trainImages: 50_000,
    evaluationImages: 10_000,
    limitBytes: null,
    ...changes,
  });

  test('is the sum of its parts, the images among them', () => {
    const { peakBytes, parts, fitting } = estimateMemory(question());
    expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(peakBytes, -1);
    const images = parts.find(({ label }) => label === 'Images')!.bytes;
    expect(images / (60_000 * 3072)).toBeCloseTo(1, 1); // labels are among them
    expect(parts.map(({ bytes }) => bytes)).toEqual(parts.map(({ bytes }) => bytes).sort((a, b) => b - a));
    expect(fitting).toBeNull();
    expect(peakBytes).toBeGreaterThan(350e6);
    expect(peakBytes).toBeLessThan(550e6);
  });

  test('grows with the batch, and counts images that are read batch by batch by the batch', () => {
    const [small, large] = [64, 2048].map((size) => estimateMemory(question({}, size)).peakBytes) as [number, number];
    expect(large).toBeGreaterThan(small + 200e6);
    const many = estimateMemory(question({ trainImages: 1_000_000 }));
    const images = many.parts.find(({ label }) => label === 'Images')!.bytes;
    expect(images / (3072 * (64 * 64 + 10_000))).toBeCloseTo(1, 1);
  });

  test('finds micro-batches that fit, with no fewer images in an update', () => {
    const wanted = question({}, 4096);
    const limitBytes = estimateMemory(question({}, 1024)).peakBytes;
    const { fitting, peakBytes } = estimateMemory({ ...wanted, limitBytes });
    expect(peakBytes).toBeGreaterThan(limitBytes);
    expect(fitting!.peakBytes).toBeLessThanOrEqual(limitBytes);
    expect(fitting!.batchSize * fitting!.accumulation).toBeGreaterThanOrEqual(4096);
    expect(fitting!.batchSize).toBeGreaterThan(256);
    expect(estimateMemory(question({}, fitting!.batchSize)).peakBytes).toBe(fitting!.peakBytes);
  });

  test('says so where not even single images fit', () => {
    expect(estimateMemory(question({ limitBytes: 1e6 })).fitting).toBeNull();
  });

  test('is told in a sentence', () => {
    const need = { peakBytes: 9e9, parts: [], fitting: { batchSize: 16, accumulation: 4, peakBytes: 3e9 } };
    const memory = { totalBytes: 8e9, freeBytes: 5e9 };
    const told = describeNeed(need, smallConfig({ batchSize: 64 }), 6.4e9, memory);
    expect(told).toMatchObject({ fits: false, machineBytes: 8e9, suggestion: { batchSize: 16, accumulation: 4 } });
    expect(told.summary).toBe(
      'About 9.0 GB at its peak, which is more than this machine can give: this machine has 8.0 GB. Use batches of 16 with 4 of them for each update.',
    );
    const alone = { peakBytes: 9e9, parts: [], fitting: null };
    expect(describeNeed(alone, smallConfig({ batchSize: 64 }), 6.4e9, memory).summary).toContain(
      'Even single images need more: use smaller images or a smaller network.',
    );
    const fine = { peakBytes: 340e6, parts: [], fitting: null };
    expect(describeNeed(fine, smallConfig(), 6.4e9, memory).summary).toBe(
      'About 340 MB at its peak; this machine has 8.0 GB.',
    );
    expect(describeNeed({ ...fine, peakBytes: 5.5e9 }, smallConfig(), 6.4e9, memory)).toMatchObject({ fits: true });
    expect(describeNeed({ ...fine, peakBytes: 5.5e9 }, smallConfig(), 6.4e9, memory).summary).toContain('free now');
    expect(describeNeed(fine, smallConfig({ device: 'cuda' }), null, null)).toMatchObject({
      fits: null,
      machineBytes: null,
    });
  });
});

test('an estimate of a run is made in a child process, from its data set and this machine’s memory', async () => {
  const { dataset } = sample;
  const config = smallConfig({ batchSize: 32 });
  const launch = nodePorts().launchTask;
  const memory = { totalBytes: 8e9, freeBytes: 6e9 };
  const found = await estimateRun(launch, config, dataset, 1, memory);
  expect(found).toMatchObject({ fits: true, machineBytes: 8e9, freeBytes: 6e9, suggestion: null });
  expect(found.summary).toMatch(/^About \d+ MB at its peak; this machine has 8\.0 GB\.$/);
  const inHere = estimateMemory({
    config,
    inputShape: [3, 32, 32],
    categoryCount: dataset.categories.length,
    trainImages: dataset.splitCounts.train,
    evaluationImages: dataset.splitCounts.test,
    limitBytes: null,
  });
  expect(found.peakBytes).toBe(inHere.peakBytes);
  const tight = await estimateRun(
    launch,
    smallConfig({ batchSize: 2048 }),
    { ...dataset, splitCounts: { train: 4096, val: 0, test: 20 } },
    1,
    { totalBytes: 5e8, freeBytes: 4e8 },
  );
  expect(tight.fits).toBe(false);
  expect(tight.suggestion!.peakBytes).toBeLessThan(4e8);
  expect(tight.suggestion!.sentence).toMatch(/^Train with \d+ images at a time and \d+ such steps for each update/);
  await expect(estimateRun(launch, config, { ...dataset, imageSize: null }, 1, memory)).rejects.toThrow(
    'differ in size',
  );
});

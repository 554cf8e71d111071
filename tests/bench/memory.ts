/**
 * Whether the engine's estimates of memory hold: estimate ÷ the measured peak of a process that trains a network of the
 * zoo on made-up images for a few steps, and of one that does a whole run of LeNet-5.
 */
import { fileURLToPath } from 'node:url';
import { withKeptMemory } from '../../src-main/processes/kept-memory.ts';
import { smallestYoungHeap } from '../../src-main/processes/young-heap.ts';
import { capture } from '../../src-main/setup/child.mjs';
import type { Bar, BenchContext, BenchOutcome, Figure } from './bench.ts';

interface Case {
  figure: string;
  label: string;
  /** Of memory-child.ts. */
  args: readonly string[];
  quick: boolean;
}
const step = (figure: string, network: string, batchSize: number, side: number, quick: boolean): Case => ({
  figure,
  label: `${network}, ${batchSize} images of ${side}×${side}`,
  args: ['step', network, String(batchSize), String(side)],
  quick,
});
const run = (figure: string, images: number, batchSize: number, quick: boolean): Case => ({
  figure,
  label: `a run of LeNet-5 on ${images} images, batches of ${batchSize}`,
  args: ['run', String(images), String(batchSize)],
  quick,
});

const cases: readonly Case[] = [
  run('run', 50_000, 64, true),
  run('runLargeBatch', 50_000, 1024, true),
  step('lenet', 'lenet5', 1024, 32, true),
  step('yolov8n', 'yolov8n', 4, 320, true),
  step('yolov8nLarge', 'yolov8n', 4, 640, false),
  step('yolov8m', 'yolov8m', 4, 320, false),
  step('unetMobilenet', 'unet-mobilenetv2', 4, 256, true),
  step('unetResnet', 'unet-resnet34', 4, 256, false),
  step('unetEfficientnet', 'unet-efficientnet-b5', 2, 256, false),
];
const tolerance = 0.25;

export async function runMemory({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const figures: Figure[] = [];
  const bars: Bar[] = [];
  for (const { figure, label, args } of cases.filter((entry) => entry.quick || !quick)) {
    progress(label);
    const { peakBytes, estimatedBytes } = await measure(args);
    const ratio = estimatedBytes / peakBytes;
    figures.push(
      { name: `${figure}PeakMb`, value: peakBytes / 1e6, explanation: `${label}: measured peak of the process` },
      { name: `${figure}Ratio`, value: ratio, explanation: 'what the engine expects ÷ measured' },
      { name: `${figure}Off`, value: Math.abs(ratio - 1), explanation: 'how far that is from 1' },
    );
    bars.push({ figure: `${figure}Off`, bar: tolerance, direction: 'at-most' });
  }
  return { figures, bars, notes: [] };
}

async function measure(args: readonly string[]): Promise<{ peakBytes: number; estimatedBytes: number }> {
  const child = fileURLToPath(new URL('./memory-child.ts', import.meta.url));
  const { code, stdout, stderr } = await capture(process.execPath, [...smallestYoungHeap, child, ...args], {
    env: withKeptMemory(process.env),
  });
  if (code !== 0) throw new Error(`memory-child.ts ${args.join(' ')} failed: ${stderr}`);
  return JSON.parse(stdout) as { peakBytes: number; estimatedBytes: number };
}

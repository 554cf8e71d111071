/** How many channels onnxruntime's blocked convolutions keep side by side on this machine, found out by trying. */
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { floats, numbersOf, relativeError, runGraph, type Feeds } from './engine-run.ts';

/** Null where it has no blocked convolutions. */
export async function findChannelBlock(): Promise<number | null> {
  for (const block of [16, 8]) if (await isBlock(block)) return block;
  return null;
}

/** Whether a convolution in blocks of this size gives what the plain one gives. */
async function isBlock(block: number): Promise<boolean> {
  const g = newGraph('block');
  const x = g.input('x', 'float32', [1, 32, 3, 3]);
  const w = g.input('w', 'float32', [32, 32, 1, 1]);
  const a = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
  g.output(g.op('Conv', [x, w], a), 'y');
  const values = (length: number): number[] => Array.from({ length }, (_, i) => Math.sin(i));
  const feeds: Feeds = { x: floats(x.shape, values(288)), w: floats(w.shape, values(1024)) };
  const run = async (formulation: string): Promise<number[]> => {
    const choose = (): string => formulation;
    return numbersOf(await runGraph(optimise(g.graph, { choose, channelBlock: block }), feeds), 'y');
  };
  const plain = await run('plain');
  try {
    return relativeError(await run('blocked'), plain) < 1e-5;
  } catch {
    return false;
  }
}

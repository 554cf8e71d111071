/** PyTorch beside ours in `npm run gpu:check`, where a Python with torch is there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBytes } from '../../src-main/engine/graph/types.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { findPython, startPythonPeer } from '../bench/python-peer.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface PeerTimes {
  /** Images a second by network; null where PyTorch could not. */
  speeds: Map<string, number | null>;
  /** What the person should know: versions, or what to install. */
  note: string;
}

/** Times every network in PyTorch on the counterpart of our device, which is CUDA for all GPUs. */
export async function timePeer(device: 'cpu' | 'cuda', networks: readonly string[]): Promise<PeerTimes> {
  const speeds = new Map<string, number | null>();
  const search = await findPython(['torch', 'numpy']);
  if (!search.found) return { speeds, note: search.mend };
  const peer = startPythonPeer(search.python, join(here, 'torch_peer.py'), [device, join(here, '..', 'bench')]);
  try {
    const { torch, cuda } = await peer.next<{ torch: string; cuda: boolean }>();
    if (device === 'cuda' && !cuda) {
      const mend = 'install the CUDA build of PyTorch: https://pytorch.org/get-started/locally';
      return { speeds, note: `PyTorch ${torch} of ${search.python} sees no CUDA device; ${mend}` };
    }
    for (const name of networks) speeds.set(name, await timeNetwork(peer, name));
    return { speeds, note: `PyTorch ${torch} on ${device}` };
  } finally {
    await peer.close();
  }
}

async function timeNetwork(peer: ReturnType<typeof startPythonPeer>, name: string): Promise<number | null> {
  const network = exampleNetwork(name);
  const plan = network.plan(network.size);
  const values = initialise(plan.parameters, plan.buffers, 1);
  const folder = mkdtempSync(join(tmpdir(), 'fovea-gpu-check-'));
  try {
    const layers = plan.layers.map(({ spec, sources }) => ({ ...spec, sources, inPlace: false }));
    const parameters = plan.parameters.map(({ name: tensor, shape, fixed = false }) => ({
      name: tensor,
      shape,
      fixed,
    }));
    const { outputs, buffers } = plan;
    writeFileSync(join(folder, 'network.json'), JSON.stringify({ layers, parameters, outputs, buffers }));
    const flat = Buffer.concat(plan.parameters.map((parameter) => toBytes(values.get(parameter.name)!)));
    writeFileSync(join(folder, 'parameters.f32'), flat);
    const shape = [network.batchSize, ...plan.inputShape];
    return (await peer.ask<{ imagesPerSecond: number | null }>({ folder, shape })).imagesPerSecond;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Which devices a run can train on here, found by looking at files alone: this process never loads the engine's
 * runtime. Whether a device really works is known only when a session is made on it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeviceInfo } from '../../contract/model/model-spec.ts';

/** What the answer depends on; a test gives its own. */
export interface Machine {
  platform: string;
  architecture: string;
  processor: string;
  coreCount: number;
  hasNvidiaDriver: boolean;
  hasCudaLibraries: boolean;
}

export function thisMachine(): Machine {
  const cores = cpus();
  return {
    platform: process.platform,
    architecture: process.arch,
    processor: cores[0]?.model.trim() ?? 'unknown',
    coreCount: cores.length,
    // The second is where the Windows Subsystem for Linux puts the driver.
    hasNvidiaDriver: existsSync('/proc/driver/nvidia/version') || existsSync('/usr/lib/wsl/lib/libcuda.so.1'),
    hasCudaLibraries: existsSync(cudaLibrary()),
  };
}

export function listDevices(machine: Machine = thisMachine()): DeviceInfo[] {
  const { processor, coreCount } = machine;
  const cudaReason = whyNoCuda(machine);
  return [
    {
      id: 'cpu',
      label: `CPU (${processor}, ${coreCount} ${coreCount === 1 ? 'core' : 'cores'})`,
      available: true,
      reason: null,
    },
    { id: 'cuda', label: 'NVIDIA GPU (CUDA)', available: cudaReason === null, reason: cudaReason },
  ];
}

function whyNoCuda({ platform, architecture, hasNvidiaDriver, hasCudaLibraries }: Machine): string | null {
  if (platform !== 'linux' || architecture !== 'x64') return 'Training on an NVIDIA GPU needs Linux on x64.';
  if (!hasNvidiaDriver) return 'No NVIDIA driver was found. Install it, then run `npm run setup:cuda`.';
  if (!hasCudaLibraries) return 'The CUDA libraries are not installed. Run `npm run setup:cuda`.';
  return null;
}

function cudaLibrary(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return join(dirname(manifest), 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so');
}

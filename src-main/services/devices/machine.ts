/**
 * What can be seen of a machine's devices without loading anything: this process never loads the engine's runtime.
 * Whether a device really works is known only when a session is made on it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';

/** What the answer depends on; a test gives its own. */
export interface Machine {
  platform: string;
  architecture: string;
  processor: string;
  coreCount: number;
  hasNvidiaDriver: boolean;
  hasCudaLibraries: boolean;
  /** Linux: some GPU has a driver that programs can open. */
  hasGraphicsDevice: boolean;
}

export function thisMachine(): Machine {
  const cores = cpus();
  // The second is where the Windows Subsystem for Linux puts the driver.
  const hasNvidiaDriver = existsSync('/proc/driver/nvidia/version') || existsSync('/usr/lib/wsl/lib/libcuda.so.1');
  return {
    platform: process.platform,
    architecture: process.arch,
    processor: cores[0]?.model.trim() ?? 'unknown',
    coreCount: cores.length,
    hasNvidiaDriver,
    hasCudaLibraries: existsSync(cudaLibrary()),
    hasGraphicsDevice: hasNvidiaDriver || existsSync('/dev/dri') || existsSync('/dev/dxg'),
  };
}

function cudaLibrary(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return join(dirname(manifest), 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so');
}

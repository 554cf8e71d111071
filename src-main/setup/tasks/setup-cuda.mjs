/**
 * `npm run setup:cuda`: fetches the CUDA libraries of onnxruntime-node (from NuGet, by its own install script), and
 * says whether training on this machine's GPU can work now.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { capture, run } from '../child.mjs';
import { nodeModules, root } from '../paths.mjs';
import { say, SetupProblem } from '../say.mjs';

const onnxruntime = join(nodeModules, 'onnxruntime-node');
const provider = join(onnxruntime, 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so');
const again = 'npm run setup:cuda';

export async function main() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const here = `${process.platform}-${process.arch}`;
    throw new SetupProblem(`onnxruntime-node has CUDA libraries for linux-x64 only; this is ${here}.`, 'use the CPU');
  }
  say('Fetching the CUDA libraries of onnxruntime from NuGet (about 250 MB).');
  const code = await run(process.execPath, [join(onnxruntime, 'script', 'install.js')], {
    cwd: onnxruntime,
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' }, // 1.30 falls silent on its own documented 'cuda12'
    toStderr: true,
  });
  if (code !== 0 || !existsSync(provider)) {
    throw new SetupProblem(
      'The CUDA libraries could not be fetched (the reason stands above). It needs api.nuget.org.',
      again,
    );
  }
  const reason = await whyCudaDoesNotLoad();
  if (reason !== null) {
    throw new SetupProblem(
      `The libraries are in place, but CUDA does not work here: ${reason}`,
      `install NVIDIA's driver, CUDA 12 and cuDNN 9 (https://developer.nvidia.com/cudnn), then: ${again}`,
    );
  }
  say('CUDA works. Choose the device "NVIDIA GPU (CUDA)" for a run.');
  return 0;
}

/** Creates a session of one Identity node on the CUDA provider; null where that works. */
async function whyCudaDoesNotLoad() {
  const { code, stderr } = await capture(process.execPath, ['--input-type=module', '-e', cudaProbe], { cwd: root });
  if (code === 0) return null;
  const [, missingLibrary] = /with error: (?:.*?: )?(\S+: cannot open shared object file)/.exec(stderr) ?? [];
  return (
    missingLibrary ??
    stderr
      .split('\n')
      .find((line) => line.includes('Error'))
      ?.trim() ??
    `exit code ${code}`
  );
}

const cudaProbe = `
  import { InferenceSession } from 'onnxruntime-node';
  const identity = Buffer.from(
    'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAN', 'base64');
  await InferenceSession.create(identity, { executionProviders: ['cuda'] });
`;

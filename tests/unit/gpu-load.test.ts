/** A GPU's load is read from the vendor's program, here a stand-in on the path; without it nothing is known. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GpuLoad, readUse } from '../../src-main/training-process/gpu-load.ts';
import { MachineLoad } from '../../src-main/training-process/machine-load.ts';

afterEach(() => vi.unstubAllEnvs());

/** Says each of the lines once, then the last one again. */
async function pretend(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-gpu-'));
  const program = join(folder, 'nvidia-smi');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  return folder;
}

const asked = async (folder: string): Promise<string[]> =>
  (await readFile(join(folder, 'asked'), 'utf8').catch(() => '')).trim().split('\n');

describe.skipIf(process.platform === 'win32')('the load of a GPU', () => {
  it('is the mean of what was said since the last time, for the first GPU that may be used', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '3,1');
    // Two answers, and none after them.
    const folder = await pretend(`cd "$(dirname "$0")"; echo "$@" >> asked
case $(wc -l < asked) in *1) echo "40, 1000";; *2) echo "80, 2000";; *) exit 1;; esac`);
    const load = new GpuLoad(20);
    try {
      // One is asked after the other, so that the third question means that two were answered.
      await expect.poll(async () => (await asked(folder)).length).toBeGreaterThan(2);
      expect(load.sinceLast()).toMatchObject({ load: expect.closeTo(0.6), memoryMegabytes: 2097.152 });
      expect(load.sinceLast()).toBeNull();
      expect((await asked(folder))[0]).toContain('--id=3');
    } finally {
      load.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is among what a run on a GPU is said to use, and not of one on the CPU', async () => {
    const folder = await pretend('echo "25, 500"');
    const [onGpu, onCpu] = [new MachineLoad(), new MachineLoad()];
    onGpu.begin({ device: 'cuda' });
    onCpu.begin({ device: 'cpu' });
    try {
      const series = (load: MachineLoad): Record<string, number> =>
        Object.fromEntries(load.points(1, 1, null).map((point) => [point.series, point.value]));
      await expect
        .poll(() => series(onGpu))
        .toMatchObject({ 'machine/deviceLoad': 0.25, 'machine/deviceMemory': 524.288 });
      expect(Object.keys(series(onCpu))).toEqual(['machine/memory', 'machine/load']);
    } finally {
      onGpu.end();
      onCpu.end();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is not known where the program is not there', () => {
    vi.stubEnv('PATH', join(tmpdir(), 'nothing-is-here'));
    const load = new GpuLoad(5);
    expect(load.sinceLast()).toBeNull();
    load.close();
  });
});

describe('what the program says', () => {
  it('is read where it is two numbers', () => {
    expect(readUse('0, 0\n')).toEqual({ load: 0, memoryMegabytes: 0 });
    for (const answer of ['[N/A], 100', '', '12', '1, 2, 3', 'No devices were found'])
      expect(readUse(answer)).toBeNull();
  });
});

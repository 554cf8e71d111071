/** Past epochs can be looked at again: predictions as they were, kernels nearly so, within a limit of bytes. */
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import { epochsToDrop, historyFiles, keptEpochs } from '../../src-main/engine/train/epoch-history.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { floatValues, readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { readKernels } from '../../src-main/services/runs/kernels.ts';
import { phase } from '../helpers/run-config.ts';
import { everythingOn, makeSmallData, remains, runTraining, type SmallData } from '../helpers/training-run.ts';

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 40, test: 20, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

async function newFolder(name: string): Promise<string> {
  const folder = join(small.folder, name);
  await mkdir(folder);
  return folder;
}

const config = (epochs: number, historyMegabytes: number) => ({
  ...everythingOn([phase({ epochs })]),
  monitoring: { ...usualMonitoring, historyMegabytes },
});

describe('the history of a run', () => {
  test('has every epoch’s predictions, and its kernels in half precision, and is the same where the run was stopped', async () => {
    const folder = await newFolder('kept');
    const copies = join(small.folder, 'copies');
    await mkdir(copies);
    // What the epochs' own files were, copied while they were there.
    const stops = [1, 2, 3];
    for (const epochs of stops) {
      const own = await newFolder(`only ${epochs}`);
      await runTraining(own, config(3, 0), small.data, {
        onProgress: ({ epoch }, cancel) => epoch > epochs && cancel(),
      });
      expect(await keptEpochs(own)).toEqual({ predictions: [], kernels: [], sizeBytes: 0 });
      await copyFile(runFiles.predictions(own), join(copies, `${epochs}.bin`));
      await copyFile(runFiles.checkpoint(own, 'last'), join(copies, `${epochs}.safetensors`));
    }
    let stopped = false;
    await runTraining(folder, config(3, 10), small.data, {
      onProgress: ({ epoch, step }, cancel) => {
        if (epoch !== 2 || step === 0 || stopped) return;
        stopped = true;
        cancel();
      },
    });
    await runTraining(folder, config(3, 10), small.data, { resume: true });
    const kept = await keptEpochs(folder);
    expect(kept).toMatchObject({ predictions: stops, kernels: stops });
    for (const epochs of stops) {
      const past = await readFile(historyFiles.predictions(folder, epochs));
      expect(past.equals(await readFile(join(copies, `${epochs}.bin`)))).toBe(true);
    }
    const sets = await readKernels(historyFiles.kernels(folder, 3), config(3, 10), true);
    const { tensors } = await readSafetensors(runFiles.checkpoint(folder, 'last'));
    const averaged = floatValues(tensors.get(`average.${sets[0]!.layer}.weight`)!);
    expect(sets.length).toBeGreaterThan(0);
    sets[0]!.values.forEach((value, i) => expect(Math.abs(value - averaged[i]!)).toBeLessThan(1e-3));
  });

  test('stays within its limit, and costs nothing of what is learned', async () => {
    const [some, none] = [await newFolder('some'), await newFolder('none')];
    await runTraining(none, config(6, 0), small.data);
    const { size } = await stat(runFiles.predictions(none));
    // Room for about three epochs, were the limit not whole megabytes: so the smallest limit keeps all.
    await runTraining(some, config(6, 1), small.data);
    expect((await keptEpochs(some)).sizeBytes).toBeLessThan(1e6);
    expect(size).toBeGreaterThan(0);
    expect(await remains(some)).toEqual(await remains(none));
  });
});

describe('what is left out beyond the limit', () => {
  const left = (epochs: number, limit: number): number[] => {
    const all = Array.from({ length: epochs }, (_, i) => i + 1);
    const dropped = epochsToDrop(all, () => 1, limit);
    return all.filter((epoch) => !dropped.has(epoch));
  };

  test('leaves the first and the last, and the others evenly', () => {
    expect(left(9, 5)).toEqual([1, 3, 5, 7, 9]);
    expect(left(5, 9)).toEqual([1, 2, 3, 4, 5]);
    expect(left(4, 2)).toEqual([1, 4]);
    expect(left(4, 1)).toEqual([4]);
  });

  test('stays even while epochs come one by one', () => {
    let kept: number[] = [];
    for (let epoch = 1; epoch <= 100; epoch++) {
      const dropped = epochsToDrop([...kept, epoch], () => 1, 12);
      kept = [...kept, epoch].filter((each) => !dropped.has(each));
    }
    expect(kept).toHaveLength(12);
    expect([kept[0], kept.at(-1)]).toEqual([1, 100]);
    const gaps = kept.slice(1).map((epoch, i) => epoch - kept[i]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(16);
  });
});

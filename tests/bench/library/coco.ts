/** COCO's size: import and export beside Python's json.load alone, with the memory of all processes, then lists. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExportImages } from '../../../src-main/contract/model/dataset-export.ts';
import { createServices } from '../../helpers/service-fixture.ts';
import { median, type BenchOutcome, type Figure } from '../bench.ts';
import { measureLists } from './lists.ts';
import { subfolder, timedJob, type PartContext } from './part.ts';

const run = promisify(execFile);
const writeCoco = fileURLToPath(new URL('./write-coco.ts', import.meta.url));

export async function measureCoco(context: PartContext): Promise<BenchOutcome> {
  const { quick, progress } = context;
  const folder = await subfolder(context, 'coco');
  const { images, boxes } = quick ? { images: 30_000, boxes: 220_000 } : { images: 118_000, boxes: 860_000 };
  const rounds = quick ? 1 : 2;
  const source = join(folder, 'source');
  const json = join(source, 'annotations', 'instances_train.json');
  progress(`writing ${images} images with ${boxes} boxes`);
  await run(process.execPath, [writeCoco, source, String(images), String(boxes)]);
  const services = createServices({ userDataFolder: join(folder, 'settings') });
  try {
    const { projectId } = await services.handlers['project.create']({ name: 'Bench', parentFolder: folder });
    const [importMs, jsonMs, peakBytes]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const alone = await pythonLoadMs(json);
      if (alone !== null) jsonMs.push(alone);
      progress(`importing, round ${round + 1}`);
      const memory = watchMemory();
      const { ms, job } = await timedJob(services, () =>
        services.handlers['dataset.import']({ projectId, path: source, format: 'coco', name: `COCO ${round}` }),
      );
      peakBytes.push(memory());
      importMs.push(ms);
      if (round > 0) await services.handlers['dataset.delete']({ projectId, datasetId: job.datasetId! });
      await services.handlers['trash.empty']({ projectId, item: null });
    }
    const [imported] = (await services.handlers['dataset.list']({ projectId })).slice(-1);
    const { datasetId } = imported!;
    const lists = await measureLists(services, { projectId, datasetId }, progress);
    const exportMs: Record<ExportImages, number[]> = { none: [], copy: [] };
    const plainMs: number[] = [];
    for (const images of ['none', 'copy'] as const) {
      for (let round = 0; round < rounds; round++) {
        progress(`exporting ${images === 'none' ? 'labels' : 'labels and images'}, round ${round + 1}`);
        const target = join(folder, 'exported');
        const { ms } = await timedJob(services, () =>
          services.handlers['dataset.export']({ projectId, datasetId, format: 'coco', images, folder: target }),
        );
        exportMs[images].push(ms);
        await rm(target, { recursive: true });
        if (images === 'none') continue;
        const alone = await plainCopyMs(join(source, 'train'), target);
        if (alone !== null) plainMs.push(alone);
      }
    }
    const jsonLoad = jsonMs.length === 0 ? null : median(jsonMs);
    const slowest = `the slowest of ${rounds} rounds`;
    const size = `${images} images, ${boxes} boxes`;
    const figures: Figure[] = [
      { name: 'jsonLoadMs', value: jsonLoad, explanation: 'Python reads the JSON file, and does nothing with it' },
      { name: 'importMs', value: median(importMs), explanation: `${size}, into the database` },
      {
        name: 'slowestImportMs',
        value: Math.max(...importMs),
        explanation: `the slowest of ${importMs.length} rounds`,
      },
      {
        name: 'importOverJsonLoad',
        value: jsonLoad === null ? null : median(importMs) / jsonLoad,
        explanation: 'the import over json.load alone',
      },
      { name: 'importPeakBytes', value: Math.max(...peakBytes), explanation: 'memory of all processes together' },
      { name: 'labelExportMs', value: Math.max(...exportMs.none), explanation: `labels only, ${slowest}` },
      { name: 'exportMs', value: median(exportMs.copy), explanation: 'labels, and copies of all images' },
      {
        name: 'exportOverPlainCopy',
        value: plainMs.length === 0 ? null : median(exportMs.copy) / median(plainMs),
        explanation: 'the same over `cp -r` of the files alone, in turns',
      },
      { name: 'slowestExportMs', value: Math.max(...exportMs.copy), explanation: slowest },
      ...lists.figures,
    ];
    return {
      figures,
      bars: [
        { figure: 'importOverJsonLoad', bar: 5, direction: 'at-most' },
        { figure: 'importPeakBytes', bar: 1e9, direction: 'at-most' },
        ...(quick
          ? []
          : ([
              { figure: 'importMs', bar: 20_000, direction: 'at-most' },
              { figure: 'labelExportMs', bar: 15_000, direction: 'at-most' },
              { figure: 'exportMs', bar: 15_000, direction: 'at-most' },
            ] as const)),
        ...lists.bars,
      ],
      notes: [
        ...(jsonLoad === null ? ['python3 is not installed: there is nothing to hold the import against.'] : []),
        ...lists.notes,
      ],
    };
  } finally {
    await services.close();
  }
}

async function pythonLoadMs(file: string): Promise<number | null> {
  const script = 'import json, sys, time\nt = time.time()\njson.load(open(sys.argv[1]))\nprint(time.time() - t)';
  const answer = await run('/usr/bin/python3', ['-c', script, file]).catch(() => null);
  return answer === null ? null : Number(answer.stdout) * 1000;
}

/** Null where the system has no `cp`. */
async function plainCopyMs(from: string, to: string): Promise<number | null> {
  const startMs = performance.now();
  const answer = await run('cp', ['-r', from, to]).catch(() => null);
  const ms = performance.now() - startMs;
  await rm(to, { recursive: true, force: true });
  return answer === null ? null : ms;
}

/** Bytes of this process and those that it started, at the worst moment until the returned function is called. */
function watchMemory(): () => number {
  let most = 0;
  const look = (): void => {
    const children = childProcesses();
    most = Math.max(
      most,
      [process.pid, ...children].reduce((sum, pid) => sum + memoryBytes(pid), 0),
    );
  };
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    return most;
  };
}

/** None where the system does not tell as Linux does. */
function childProcesses(): number[] {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

/** What processes share (the program, libraries) is divided between them. */
function memoryBytes(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return pid === process.pid ? process.memoryUsage.rss() : 0; // It has just ended, or this is no Linux.
  }
}

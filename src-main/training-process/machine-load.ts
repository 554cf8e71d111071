/** What training asks of the machine, measured after each epoch and in a long one every few seconds: pace, memory and processor time of this process, and its GPU's load. */
import { availableParallelism } from 'node:os';
import type { MetricPoint, RunConfig } from '../contract/model/run.ts';
import { GpuLoad } from './gpu-load.ts';

/** How old the latest measure may become within an epoch. */
const everyMs = 10_000;

export class MachineLoad {
  #usage = process.cpuUsage();
  #sinceMs = performance.now();
  #gpu: GpuLoad | null = null;

  /** From now on the GPU is watched, where the run is on one. */
  begin({ device }: Pick<RunConfig, 'device'>): void {
    if (device !== 'cpu') this.#gpu = new GpuLoad();
  }

  end(): void {
    this.#gpu?.close();
  }

  /** Whether it is time to measure within an epoch. */
  isDue(): boolean {
    return performance.now() - this.#sinceMs >= everyMs;
  }

  /** Since the last call. `imagesPerSecond`: of the latest steps; null where nobody has measured it. */
  points(step: number, epoch: number, imagesPerSecond: number | null): MetricPoint[] {
    const usage = process.cpuUsage(this.#usage);
    const nowMs = performance.now();
    const busyMs = (usage.user + usage.system) / 1000;
    const load = busyMs / Math.max(1, nowMs - this.#sinceMs) / availableParallelism();
    this.#usage = process.cpuUsage();
    this.#sinceMs = nowMs;
    const gpu = this.#gpu?.sinceLast() ?? null;
    const values = {
      'machine/memory': process.memoryUsage.rss() / 1e6,
      'machine/load': Math.min(1, load),
      ...(gpu && { 'machine/deviceLoad': gpu.load, 'machine/deviceMemory': gpu.memoryMegabytes }),
      ...(imagesPerSecond !== null && { 'machine/pace': imagesPerSecond }),
    } as const;
    return Object.entries(values).map(([series, value]) => ({
      series: series as MetricPoint['series'],
      step,
      epoch,
      value,
    }));
  }
}

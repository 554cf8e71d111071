/** What the parts of the library's bench have in common. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../../../src-main/contract/model/job.ts';
import type { ServiceFixture } from '../../helpers/service-fixture.ts';
import type { BenchOutcome } from '../bench.ts';

export interface PartContext {
  quick: boolean;
  /** For the part's data; it is removed with all that is in it. */
  folder: string;
  progress: (text: string) => void;
}

export type Part = (context: PartContext) => Promise<BenchOutcome>;

export const everything = { splits: [], categoryIds: [] };

/** A folder of its own below the bench's. */
export async function subfolder({ folder }: PartContext, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
}

export async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Throws where the job does not get done. */
export async function timedJob(services: ServiceFixture, start: () => Promise<Job>): Promise<{ ms: number; job: Job }> {
  const startMs = performance.now();
  const job = await services.ended(await start());
  if (job.state !== 'done') throw new Error(job.error?.message ?? `The job was ${job.state}.`);
  return { ms: performance.now() - startMs, job };
}

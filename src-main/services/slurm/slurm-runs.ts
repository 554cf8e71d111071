/**
 * The runs that Slurm trains: gives them to it as job arrays, follows their folders and their jobs while the project is
 * open, and cancels them. Jobs go on when Fovea is closed and are found again when the project is opened.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toErrorData } from '../../contract/errors.ts';
import type { Emit } from '../../contract/ipc.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { SlurmSettings } from '../../contract/model/sweep.ts';
import { encodeEventLine } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { fileError } from '../file-errors.ts';
import type { OpenProject } from '../open-projects.ts';
import { hasCheckpoint, runFolder } from '../runs/restore-runs.ts';
import { RunRows } from '../runs/run-rows.ts';
import type { PrepareReport } from '../training-data/prepare-run.ts';
import { RemoteRun, submittedLine } from './remote-run.ts';
import { sbatchScript } from './sbatch-script.ts';
import * as slurm from './slurm-client.ts';

export interface SlurmRunsPorts {
  emit: Emit;
  /** Sees to it that what the run trains on is there. */
  prepare(opened: OpenProject, runId: RunId, report: PrepareReport, signal: AbortSignal): Promise<void>;
  /** What starts Fovea's command line on a node that sees this installation. */
  command: readonly string[];
  /** Between two looks at the folders. */
  pollMs?: number | undefined;
}

interface Followed {
  opened: OpenProject;
  remote: RemoteRun;
  /** How often in a row Slurm said that its task is over while its record did not. */
  gone: number;
}

interface Submission {
  opened: OpenProject;
  /** Cancelled ones are taken out. */
  runIds: Set<RunId>;
  abort: AbortController;
}

const usualPollMs = 1000;
/** Slurm is asked less often than the folders are looked at. */
const pollsPerQuestion = 3;
/** The last lines of a record may reach a shared disk later than the end of the job is known. */
const patience = 2;

const waiting = new Set(['PENDING', 'CONFIGURING', 'REQUEUED', 'REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT']);
const training = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT', 'RESIZING']);

export class SlurmRuns {
  readonly #ports: SlurmRunsPorts;
  #followed = new Map<string, Followed>();
  #submissions = new Set<Submission>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #looks = 0;
  #isClosed = false;

  constructor(ports: SlurmRunsPorts) {
    this.#ports = ports;
  }

  /** True while the run is prepared for Slurm, waits there or is trained there. */
  holds(opened: OpenProject, runId: RunId): boolean {
    return this.#followed.has(keyOf(opened, runId)) || this.#submissionOf(opened, runId) !== undefined;
  }

  /** Returns once the runs are queued; what they train on is prepared and the job submitted behind it. */
  submit(opened: OpenProject, name: string, runIds: readonly RunId[], settings: SlurmSettings): void {
    const submission = { opened, runIds: new Set(runIds), abort: new AbortController() };
    for (const runId of runIds)
      this.#rows(opened, runId).change({ status: 'queued', reason: null, endedAt: null, slurmJob: null });
    this.#submissions.add(submission);
    void this.#carryOut(submission, name, settings).finally(() => this.#submissions.delete(submission));
  }

  /** The script as it would be submitted for so many runs. */
  script(opened: OpenProject, name: string, runs: number, settings: SlurmSettings): string {
    const folders = Array.from({ length: runs }, (_, at) => join(opened.folder, 'runs', `…${at + 1}`));
    return sbatchScript({ name, folders, logFolder: logFolderOf(opened), command: this.#ports.command, settings });
  }

  /** Takes up the runs of a project that Slurm had when it was last open. */
  attach(opened: OpenProject): void {
    const { runs } = opened.store;
    for (const runId of runs.inProgress()) {
      const { slurmJob } = runs.get(runId);
      if (slurmJob !== null) this.#follow(opened, runId, slurmJob);
    }
  }

  /** False where Slurm has none of them. Throws FoveaError where scancel does. */
  async cancel(opened: OpenProject, runIds: readonly RunId[]): Promise<boolean> {
    const held = runIds.filter((runId) => this.holds(opened, runId));
    const jobs: string[] = [];
    for (const runId of held) {
      const submission = this.#submissionOf(opened, runId);
      submission?.runIds.delete(runId);
      if (submission?.runIds.size === 0) submission.abort.abort();
      const remote = this.#followed.get(keyOf(opened, runId))?.remote;
      if (remote === undefined) {
        this.#rows(opened, runId).change(this.#ended(opened, runId, 'cancelled', null));
      } else {
        remote.isCancelled = true;
        jobs.push(remote.job);
      }
    }
    await slurm.cancelTasks(jobs);
    return held.length > 0;
  }

  /** Stops looking. The jobs go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { abort } of this.#submissions) abort.abort();
    await this.#looking;
    for (const { remote } of this.#followed.values()) remote.rows.flush();
  }

  async #carryOut(submission: Submission, name: string, settings: SlurmSettings): Promise<void> {
    const { opened, runIds } = submission;
    try {
      for (const runId of [...runIds]) if (runIds.has(runId)) await this.#prepare(submission, runId);
      if (runIds.size === 0) return;
      const order = [...runIds];
      const logFolder = logFolderOf(opened);
      const folders = order.map((runId) => runFolder(opened, runId));
      const script = sbatchScript({ name, folders, logFolder, command: this.#ports.command, settings });
      await keepScript(logFolder, script);
      const job = await slurm.submitHeld(script);
      for (const [index, runId] of order.entries()) {
        const task = `${job}_${index}`;
        await noteInRecord(runFolder(opened, runId), submittedLine(task));
        this.#rows(opened, runId).change({ slurmJob: task });
        // One that was cancelled a moment ago must not begin.
        if (runIds.has(runId)) this.#follow(opened, runId, task);
        else await slurm.cancelTasks([task]);
      }
      await slurm.release(job);
    } catch (error) {
      if (this.#isClosed) return;
      const reason = `It could not be given to Slurm: ${toErrorData(error).message}`;
      for (const runId of runIds) {
        this.#followed.delete(keyOf(opened, runId));
        this.#rows(opened, runId).change(this.#ended(opened, runId, 'interrupted', reason));
      }
    }
  }

  #ended(opened: OpenProject, runId: RunId, status: 'cancelled' | 'interrupted', reason: string | null) {
    const neverBegan = opened.store.runs.get(runId).startedAt === null;
    const resumable = neverBegan || hasCheckpoint(opened, runId);
    return { status, reason, resumable, endedAt: new Date().toISOString() };
  }

  async #prepare({ opened, abort }: Submission, runId: RunId): Promise<void> {
    const rows = this.#rows(opened, runId);
    const { epochsTotal } = rows.summary;
    const report: PrepareReport = {
      progress: (done, total) =>
        rows.progress({
          activity: 'preparing',
          epoch: 1,
          epochsTotal,
          step: done,
          stepsPerEpoch: total,
          imagesPerSecond: null,
          secondsLeft: null,
        }),
      log: (lines) => rows.log(lines),
    };
    await this.#ports.prepare(opened, runId, report, abort.signal);
  }

  #rows(opened: OpenProject, runId: RunId): RunRows {
    return new RunRows(opened, runId, this.#ports.emit, (error) => console.error(toErrorData(error).message));
  }

  #submissionOf(opened: OpenProject, runId: RunId): Submission | undefined {
    return [...this.#submissions].find((each) => each.opened === opened && each.runIds.has(runId));
  }

  #follow(opened: OpenProject, runId: RunId, job: string): void {
    const { batchSize } = opened.store.runs.config(runId);
    const remote = new RemoteRun(this.#rows(opened, runId), job, runFolder(opened, runId), batchSize);
    this.#followed.set(keyOf(opened, runId), { opened, remote, gone: 0 });
    if (this.#timer === undefined) this.#lookSoon();
  }

  #lookSoon(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        this.#timer = undefined;
        if (!this.#isClosed && this.#followed.size > 0) this.#lookSoon();
      });
    }, this.#ports.pollMs ?? usualPollMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    for (const { remote } of this.#followed.values()) await remote.read().catch(tell);
    if (this.#looks++ % pollsPerQuestion === 0) await this.#askSlurm();
    for (const [key, { remote }] of this.#followed) if (remote.hasEnded) this.#followed.delete(key);
  }

  async #askSlurm(): Promise<void> {
    const followed = [...this.#followed.values()].filter(({ remote }) => !remote.hasEnded);
    const arrays = new Set(followed.map(({ remote }) => arrayOf(remote.job)));
    for (const array of arrays) {
      try {
        const tasks = await slurm.tasksOf(array);
        for (const each of followed)
          if (arrayOf(each.remote.job) === array) await hear(each, tasks?.get(indexOf(each.remote.job))?.state ?? null);
      } catch (error) {
        // It may be down for a while; the folders are looked at all the same.
        tell(error);
      }
    }
  }
}

async function hear(followed: Followed, state: string | null): Promise<void> {
  const { remote } = followed;
  if (state !== null && (waiting.has(state) || training.has(state))) {
    followed.gone = 0;
    if (training.has(state)) remote.began();
  } else if (++followed.gone >= patience) {
    await remote.leave(state);
  }
}

const tell = (error: unknown): void => console.error(`Slurm: ${toErrorData(error).message}`);
const keyOf = ({ project }: OpenProject, runId: RunId): string => `${project.projectId}/${runId}`;
const arrayOf = (job: string): string => job.split('_')[0]!;
const indexOf = (job: string): number => Number(job.split('_')[1]);
const logFolderOf = ({ folder }: OpenProject): string => join(folder, 'slurm');

/** For who wants to see what was submitted. */
async function keepScript(folder: string, script: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'latest.sh'), script);
  } catch (error) {
    throw fileError(error, 'write the script for Slurm', folder);
  }
}

async function noteInRecord(folder: string, text: string): Promise<void> {
  const time = new Date().toISOString();
  const line = encodeEventLine({ time, event: { kind: 'log', lines: [{ time, level: 'info', text }] } });
  try {
    await appendFile(runFiles.events(folder), line);
  } catch (error) {
    throw fileError(error, 'write the run’s record', folder);
  }
}

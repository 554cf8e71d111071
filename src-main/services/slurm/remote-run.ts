/**
 * One run that is trained elsewhere: follows the record in its folder, which other machines write, and puts what it finds
 * into the run's rows. What came before this attempt is taken in silently; endings of earlier attempts do not count.
 */
import { existsSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { MetricPoint, RunProgress, RunStatus, TimedPoint } from '../../contract/model/run.ts';
import { readInterventions } from '../../engine/train/interventions.ts';
import { decodeEventLine, type RecordedEvent, type RunEvent } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { RunChanges } from '../../store/run-repository.ts';
import { RecordClock } from '../runs/point-clock.ts';
import type { RunRows } from '../runs/run-rows.ts';

const pieceBytes = 256 * 1024;
const pointsPerTransaction = 500;

/** A line of the record that says from where on it is about this job. */
export const submittedLine = (job: string): string => `Given to Slurm as job ${job}.`;

export class RemoteRun {
  readonly rows: RunRows;
  /** "12_3" */
  readonly job: string;
  readonly #folder: string;
  readonly #batchSize: number;
  hasEnded = false;
  /** The person asked for its end. */
  isCancelled = false;

  #file: { inode: number; offset: number } | null = null;
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #clock = new RecordClock();
  /** Reads what was there before it looked for the first time, or again after the record was rewritten. */
  #isCatchingUp = true;
  #isThisAttempt = false;
  #points: TimedPoint[] = [];
  #changes: RunChanges = {};
  #ending: Extract<RunEvent, { kind: 'finished' | 'cancelled' | 'failed' }> | null = null;

  constructor(rows: RunRows, job: string, folder: string, batchSize: number) {
    this.rows = rows;
    this.job = job;
    this.#folder = folder;
    this.#batchSize = batchSize;
  }

  /** Takes in what is new. Throws what the file system throws, but for a file that is not there yet. */
  async read(): Promise<void> {
    const file = await openIfThere(runFiles.events(this.#folder));
    if (file === null) return;
    try {
      const { ino, size } = await file.stat();
      if (this.#file === null || this.#file.inode !== ino || size < this.#file.offset) this.#beginAnew(ino);
      await this.#readFrom(file, size);
    } finally {
      await file.close();
    }
    this.#write();
  }

  /** For a task that Slurm says is over, or does not know: what the record does not tell, its state does. */
  async leave(state: string | null): Promise<void> {
    await this.read();
    if (this.hasEnded) return;
    const what = state === null ? 'is not known to Slurm any more' : `ended as ${state}`;
    if (this.isCancelled) this.end('cancelled', null);
    else this.end('interrupted', `Slurm job ${this.job} ${what} before the run did.`);
  }

  /** The task has left the line of those that wait. */
  began(): void {
    if (!this.hasEnded && this.rows.summary.status === 'queued') this.rows.change({ status: 'running', reason: null });
  }

  end(status: RunStatus, reason: string | null): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const neverBegan = this.rows.summary.startedAt === null;
    const resumable = status !== 'finished' && (neverBegan || existsSync(runFiles.checkpoint(this.#folder, 'last')));
    this.rows.change({ status, reason, endedAt: new Date().toISOString(), resumable });
  }

  #beginAnew(inode: number): void {
    this.#file = { inode, offset: 0 };
    this.#decoder = new StringDecoder('utf8');
    this.#rest = '';
    this.#clock = new RecordClock();
    this.#isCatchingUp = true;
    this.#isThisAttempt = false;
    this.#ending = null;
  }

  async #readFrom(file: FileHandle, size: number): Promise<void> {
    const place = this.#file!;
    const buffer = Buffer.alloc(Math.min(pieceBytes, Math.max(1, size - place.offset)));
    while (place.offset < size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - place.offset), place.offset);
      if (bytesRead === 0) return;
      place.offset += bytesRead;
      const lines = (this.#rest + this.#decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const recorded = decodeEventLine(line);
        if (recorded !== null) await this.#take(recorded);
      }
    }
  }

  async #take(recorded: RecordedEvent): Promise<void> {
    const { time, event } = recorded;
    this.#points.push(...this.#clock.hear(recorded));
    switch (event.kind) {
      case 'started': {
        this.#writePoints();
        this.rows.rewind(event.epochsDone);
        const startedAt = this.rows.summary.startedAt ?? time;
        const { parameterCount } = event;
        this.#change({ startedAt, parameterCount, epochsDone: Math.floor(event.epochsDone) });
        if (this.#isThisAttempt) this.#change({ status: 'running', reason: null, endedAt: null });
        break;
      }
      case 'points':
        if (this.#points.length >= pointsPerTransaction) this.#writePoints();
        break;
      case 'checkpoint': {
        const { elapsedMs } = this.#clock;
        this.#change({ epochsDone: Math.floor(event.epoch), durationMs: elapsedMs, resumable: true });
        break;
      }
      case 'changed':
        this.#change({ interventions: await readInterventions(this.#folder), epochsTotal: event.epochsTotal });
        break;
      case 'log':
        if (event.lines.some(({ text }) => text === submittedLine(this.job))) this.#isThisAttempt = true;
        if (!this.#isCatchingUp) this.rows.log(event.lines);
        break;
      default:
        this.#change({ durationMs: this.#clock.elapsedMs });
        if (event.kind !== 'failed') this.#change({ epochsDone: Math.floor(event.epochsDone) });
        if (this.#isThisAttempt) this.#ending = event;
    }
  }

  #change(changes: RunChanges): void {
    this.#changes = { ...this.#changes, ...changes };
  }

  #write(): void {
    this.#writePoints();
    const changes = this.#changes;
    this.#changes = {};
    if (Object.keys(changes).length > 0) this.rows.change(changes);
    this.#isCatchingUp = false;
    const ending = this.#ending;
    if (ending?.kind === 'finished') this.end('finished', ending.reason ?? null);
    if (ending?.kind === 'failed') this.end('failed', ending.error.message);
    if (ending?.kind === 'cancelled') {
      if (this.isCancelled) this.end('cancelled', null);
      else this.end('interrupted', 'The system asked the training process to stop.');
    }
  }

  #writePoints(): void {
    const points = this.#points;
    this.#points = [];
    if (points.length === 0) return;
    if (this.#isCatchingUp) return this.rows.keep(points);
    this.rows.points(points);
    const progress = this.#progressAt(points);
    if (progress !== null) this.rows.progress(progress);
  }

  /** From the last step of a bundle: the record has no progress of its own. */
  #progressAt(points: readonly TimedPoint[]): Omit<RunProgress, 'runId'> | null {
    const steps = points.filter(({ series }) => series === 'step/loss');
    const last = steps.at(-1);
    if (last === undefined || last.epoch <= 0) return null;
    const stepsPerEpoch = Math.max(1, Math.round(last.step / last.epoch));
    const epoch = Math.max(1, Math.ceil(last.epoch - 1e-9));
    const { epochsTotal } = this.rows.summary;
    const msPerEpoch = last.elapsedMs === null ? null : last.elapsedMs / last.epoch;
    return {
      activity: 'training',
      epoch,
      epochsTotal,
      step: last.step - (epoch - 1) * stepsPerEpoch,
      stepsPerEpoch,
      imagesPerSecond: paceOf(steps, this.#batchSize),
      secondsLeft: msPerEpoch === null ? null : Math.max(0, ((epochsTotal - last.epoch) * msPerEpoch) / 1000),
    };
  }
}

function paceOf(steps: readonly (MetricPoint & Pick<TimedPoint, 'elapsedMs'>)[], batchSize: number): number | null {
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last || first.elapsedMs === null || last.elapsedMs === null) return null;
  const milliseconds = last.elapsedMs - first.elapsedMs;
  return milliseconds > 0 ? (1000 * batchSize * (last.step - first.step)) / milliseconds : null;
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

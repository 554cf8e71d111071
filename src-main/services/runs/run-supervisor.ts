/**
 * Which runs train now and which wait: one at a time on each device, by priority and then in the order in which they were
 * started or the person has put them, over all open projects. A paused queue starts none. Runs that wait live only in this process; at close they become interrupted, as running ones do.
 */
import { join } from 'node:path';
import type { Emit } from '../../contract/ipc.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import type { RunConfig, RunQueue } from '../../contract/model/run.ts';
import type { RunChanges } from '../../store/run-repository.ts';
import type { TrainerProcess } from '../backend.ts';
import type { OpenProject } from '../open-projects.ts';
import { ActiveRun, usualDeadlines, type RunDeadlines } from './active-run.ts';
import type { PrepareReport } from '../training-data/prepare-run.ts';
import { RunRows } from './run-rows.ts';

/** A run of any open project. */
interface RunAddress {
  projectId: ProjectId;
  runId: RunId;
}

interface Entry {
  key: string;
  address: RunAddress;
  device: RunConfig['device'];
  toPrepare: RunToPrepare;
  rows: RunRows;
  run: ActiveRun;
}

export interface SupervisorPorts {
  launchTrainer(): TrainerProcess;
  /** Sees to it that what the run trains on is there. */
  prepare(run: RunToPrepare, report: PrepareReport, signal: AbortSignal): Promise<void>;
  emit: Emit;
  /** The file of what was measured on this machine. */
  tuning?: string;
  deadlines?: RunDeadlines;
  /** How long `close` waits for checkpoints. */
  closeWaitMs?: number;
}
export interface RunToPrepare {
  opened: OpenProject;
  folder: string;
  config: RunConfig;
}

const usualCloseWaitMs = 20_000;

const closedBeforeItsTurn: RunChanges = {
  status: 'interrupted',
  reason: 'Fovea was closed before its turn came.',
  resumable: true,
};

export class RunSupervisor {
  #ports: SupervisorPorts;
  #deadlines: RunDeadlines;
  #active = new Map<RunConfig['device'], Entry>();
  #waiting: Entry[] = [];
  #isClosing = false;
  #isPaused = false;

  constructor(ports: SupervisorPorts) {
    this.#ports = ports;
    this.#deadlines = ports.deadlines ?? usualDeadlines;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Trains the run as soon as its device is free; its status is 'queued' until then. */
  enqueue(opened: OpenProject, runId: RunId, options: { resume: boolean }): void {
    const { runs } = opened.store;
    const config = runs.config(runId);
    const rows = new RunRows(opened, runId, this.#ports.emit, (error) => run.fail(error));
    const toPrepare = { opened, folder: join(opened.folder, runs.folder(runId)), config };
    const { tuning } = this.#ports;
    const job = { folder: toPrepare.folder, config, ...options, ...(tuning !== undefined && { tuning }) };
    const run = new ActiveRun(rows, job, this.#deadlines);
    const address = { projectId: opened.project.projectId, runId };
    const entry = { key: keyOf(address), address, device: config.device, toPrepare, rows, run };
    rows.change({ status: 'queued', reason: null, endedAt: null });
    this.#insert(entry);
    if (this.#isClosing) return this.#drop(entry, closedBeforeItsTurn);
    this.#startNext();
    if (this.#waiting.includes(entry)) this.#tellQueue();
  }

  /** True while a run trains on this machine. */
  get isTraining(): boolean {
    return this.#active.size > 0;
  }

  queue(): RunQueue {
    return { paused: this.#isPaused, waiting: this.#waiting.map(({ address }) => ({ ...address })) };
  }

  /** Before another waiting run, or to the end. No-op where it does not wait. */
  move(address: RunAddress, before: RunAddress | null): void {
    const entry = this.#waiting.find(({ key }) => key === keyOf(address));
    if (entry === undefined || (before !== null && keyOf(before) === entry.key)) return;
    const others = this.#waiting.filter((other) => other !== entry);
    const place = before === null ? -1 : others.findIndex(({ key }) => key === keyOf(before));
    const at = place < 0 ? others.length : place;
    this.#waiting = others.toSpliced(at, 0, entry);
    this.#adoptPriority(entry, others[at - 1], others[at]);
    this.#tellQueue();
  }

  /** A waiting run goes behind those of its new priority; any other keeps it for when it waits again. */
  setPriority(opened: OpenProject, runId: RunId, priority: number): void {
    const entry = this.#waiting.find(({ key }) => key === keyOf({ projectId: opened.project.projectId, runId }));
    if (entry === undefined) return opened.store.runs.update(runId, { priority });
    if (entry.rows.summary.priority === priority) return;
    entry.rows.change({ priority });
    this.#waiting = this.#waiting.filter((other) => other !== entry);
    this.#insert(entry);
    this.#tellQueue();
  }

  /** Runs that train go on. */
  pause(paused: boolean): void {
    if (this.#isPaused === paused) return;
    this.#isPaused = paused;
    this.#startNext();
    this.#tellQueue();
  }

  /** True while the run waits or its process lives. */
  holds(opened: OpenProject, runId: RunId): boolean {
    return this.#find(opened, runId) !== undefined;
  }

  /** A waiting run is cancelled at once; a running one once it has written its checkpoint. False for any other run. */
  cancel(opened: OpenProject, runId: RunId): boolean {
    const entry = this.#find(opened, runId);
    if (entry === undefined) return false;
    if (this.#active.get(entry.device) === entry) entry.run.stop('person');
    else {
      const { startedAt, resumable } = entry.rows.summary;
      this.#drop(entry, { status: 'cancelled', reason: null, resumable: resumable || startedAt === null });
    }
    return true;
  }

  /** Resolves when the run's process, if it has one, is gone. */
  async settled(opened: OpenProject, runId: RunId): Promise<void> {
    const entry = this.#find(opened, runId);
    if (entry && !this.#waiting.includes(entry)) await entry.run.ended;
  }

  /** Writes the points that a running run has reported but that are not in its rows yet. */
  flush(opened: OpenProject, runId: RunId): void {
    this.#find(opened, runId)?.rows.flush();
  }

  /** Stops every run with a checkpoint, waits for them for a bounded time, and starts no other. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const entry of [...this.#waiting]) this.#drop(entry, closedBeforeItsTurn);
    const running = [...this.#active.values()];
    for (const { run } of running) run.stop('closing');
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#ports.closeWaitMs ?? usualCloseWaitMs);
    });
    await Promise.race([Promise.all(running.map(({ run }) => run.ended)), patience]);
    clearTimeout(timer);
    for (const { run } of this.#active.values()) run.abandon();
  }

  #insert(entry: Entry): void {
    const { priority } = entry.rows.summary;
    const place = this.#waiting.findIndex((other) => other.rows.summary.priority < priority);
    this.#waiting = this.#waiting.toSpliced(place < 0 ? this.#waiting.length : place, 0, entry);
  }

  /** Who is put by hand among runs of another priority means that one. */
  #adoptPriority({ rows }: Entry, before: Entry | undefined, after: Entry | undefined): void {
    const { priority } = rows.summary;
    const most = before?.rows.summary.priority ?? priority;
    const least = after?.rows.summary.priority ?? priority;
    const adopted = priority > most ? most : priority < least ? least : priority;
    if (adopted !== priority) rows.change({ priority: adopted });
  }

  #drop(entry: Entry, changes: RunChanges): void {
    this.#waiting = this.#waiting.filter((other) => other !== entry);
    entry.rows.change({ ...changes, endedAt: new Date().toISOString() });
    this.#tellQueue();
  }

  #startNext(): void {
    if (this.#isClosing || this.#isPaused) return;
    const next = this.#waiting.find(({ device }) => !this.#active.has(device));
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((entry) => entry !== next);
    this.#active.set(next.device, next);
    void next.run.ended.then(() => {
      this.#active.delete(next.device);
      this.#startNext();
    });
    void next.run.start({
      prepare: (signal, rows) => this.#prepare(next, rows, signal),
      launchTrainer: () => this.#ports.launchTrainer(),
    });
    this.#tellQueue();
    // Another device may be free too, for a run further back.
    this.#startNext();
  }

  async #prepare(
    { toPrepare, rows }: Entry,
    tell: Pick<RunRows, 'progress' | 'log'>,
    signal: AbortSignal,
  ): Promise<void> {
    const epochsTotal = toPrepare.config.phases.reduce((sum, { epochs }) => sum + epochs, 0);
    const epoch = Math.min(epochsTotal, rows.summary.epochsDone + 1);
    const started = performance.now();
    const progress = (done: number, total: number): void => {
      const seconds = (performance.now() - started) / 1000;
      const imagesPerSecond = seconds > 0.5 && done > 0 ? done / seconds : null;
      const secondsLeft = imagesPerSecond && (total - done) / imagesPerSecond;
      tell.progress({
        activity: 'preparing',
        epoch,
        epochsTotal,
        step: done,
        stepsPerEpoch: total,
        imagesPerSecond,
        secondsLeft,
      });
    };
    await this.#ports.prepare(toPrepare, { progress, log: (lines) => tell.log(lines) }, signal);
  }

  #tellQueue(): void {
    this.#ports.emit('run.queueChanged', this.queue());
  }

  #find(opened: OpenProject, runId: RunId): Entry | undefined {
    const key = keyOf({ projectId: opened.project.projectId, runId });
    return [...this.#active.values(), ...this.#waiting].find((entry) => entry.key === key);
  }
}

const keyOf = ({ projectId, runId }: RunAddress): string => `${projectId}/${runId}`;

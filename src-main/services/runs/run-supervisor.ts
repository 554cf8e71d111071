/**
 * Which runs train now and which wait: one at a time on each device, in the order in which they were started, over all
 * open projects. Runs that wait live only in this process; at close they become interrupted, as running ones do.
 */
import { join } from 'node:path';
import type { Emit } from '../../contract/ipc.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { RunChanges } from '../../store/run-repository.ts';
import type { TrainerProcess } from '../backend.ts';
import type { OpenProject } from '../open-projects.ts';
import { ActiveRun, usualDeadlines, type RunDeadlines } from './active-run.ts';
import { RunRows } from './run-rows.ts';

interface Entry {
  key: string;
  device: RunConfig['device'];
  rows: RunRows;
  run: ActiveRun;
}

export interface SupervisorPorts {
  launchTrainer(): TrainerProcess;
  emit: Emit;
  deadlines?: RunDeadlines;
  /** How long `close` waits for checkpoints. */
  closeWaitMs?: number;
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
    const job = { folder: join(opened.folder, runs.folder(runId)), config, ...options };
    const run = new ActiveRun(rows, job, this.#deadlines);
    const entry = { key: keyOf(opened, runId), device: config.device, rows, run };
    rows.change({ status: 'queued', reason: null, endedAt: null });
    this.#waiting.push(entry);
    if (this.#isClosing) this.#drop(entry, closedBeforeItsTurn);
    else this.#startNext();
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
    else this.#drop(entry, { status: 'cancelled', reason: null });
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

  #drop(entry: Entry, changes: RunChanges): void {
    this.#waiting = this.#waiting.filter((other) => other !== entry);
    entry.rows.change({ ...changes, endedAt: new Date().toISOString() });
  }

  #startNext(): void {
    if (this.#isClosing) return;
    const next = this.#waiting.find(({ device }) => !this.#active.has(device));
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((entry) => entry !== next);
    this.#active.set(next.device, next);
    void next.run.ended.then(() => {
      this.#active.delete(next.device);
      this.#startNext();
    });
    next.run.start(() => this.#ports.launchTrainer());
  }

  #find(opened: OpenProject, runId: RunId): Entry | undefined {
    const key = keyOf(opened, runId);
    return [...this.#active.values(), ...this.#waiting].find((entry) => entry.key === key);
  }
}

const keyOf = (opened: OpenProject, runId: RunId): string => `${opened.project.projectId}/${runId}`;

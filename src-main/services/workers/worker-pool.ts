/**
 * Worker processes and their tasks: a process that has done its task waits a while for the next, because starting one
 * takes longer than most tasks. `main.ts` is the process's own side.
 */
import type { WorkerProcess } from '../backend.ts';
import type { WorkerCommand, Works } from './messages.ts';
import { Worker } from './worker.ts';

/** A task that is asked to end looks up only between two images, which may be large. */
const GRACE_MS = 10_000;
/** Of a task that leaves nothing behind, wherever it is stopped. */
const SHORT_GRACE_MS = 300;
const IDLE_MS = 30_000;
const MOST_IDLE = 2;
/** A process that holds on to more is not kept. */
const MOST_MEMORY_BYTES = 400e6;

export interface TaskOptions {
  signal: AbortSignal | null;
  /** Whether it writes files, which it takes away again where it is stopped. */
  writes: boolean;
}

export class WorkerPool {
  readonly #launch: () => WorkerProcess;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  constructor(launch: () => WorkerProcess) {
    this.#launch = launch;
  }

  /**
   * Resolves when the task is done and each of its messages was handled, in order. Once nothing of the task runs any more,
   * rejects with its FoveaError, with what `handle` throws, with `process-died` where the process ended without a word, or
   * with the signal's reason.
   */
  async run<W extends keyof Works>(
    work: W,
    task: Works[W]['task'],
    { signal, writes }: TaskOptions,
    handle: (message: Works[W]['message']) => void,
  ): Promise<void> {
    signal?.throwIfAborted();
    const worker = this.#takeIdle() ?? this.#start();
    const command = { kind: 'do', work, task } as Extract<WorkerCommand, { kind: 'do' }>;
    const outcome = await worker.perform(command, signal, writes ? GRACE_MS : SHORT_GRACE_MS, (message) =>
      handle(message as Works[W]['message']),
    );
    if (outcome.memoryBytes < MOST_MEMORY_BYTES && this.#all.has(worker)) this.#keep(worker);
    else await worker.end();
    if (outcome.failures.length > 0) throw outcome.failures[0];
  }

  /** Ends every process, whatever it does. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.end()));
  }

  #takeIdle(): Worker | undefined {
    const worker = this.#idle.findLast(({ isEnding }) => !isEnding);
    if (worker) this.#idle.splice(this.#idle.indexOf(worker), 1);
    return worker;
  }

  #start(): Worker {
    const worker = new Worker(this.#launch());
    this.#all.add(worker);
    void worker.gone.then(() => this.#forget(worker));
    return worker;
  }

  #keep(worker: Worker): void {
    this.#idle.push(worker);
    if (this.#idle.length > MOST_IDLE) void this.#idle.shift()!.end();
    worker.endAfter(IDLE_MS);
  }

  #forget(worker: Worker): void {
    this.#all.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

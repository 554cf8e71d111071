/** One worker process as the services see it: it does a task, is asked to stop it, and ends. */
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import type { Exit } from '../../processes/child-process.ts';
import type { WorkerProcess } from '../backend.ts';
import { describeDeath } from '../process-death.ts';
import type { WorkerCommand, WorkerReply } from './messages.ts';

type DoCommand = Extract<WorkerCommand, { kind: 'do' }>;

export interface Outcome {
  /** In their order; none where all went well. */
  failures: unknown[];
  /** What the process holds on to; infinite where it is gone. */
  memoryBytes: number;
}

export class Worker {
  /** Resolves when the process has ended. */
  readonly gone: Promise<Exit>;
  readonly #process: WorkerProcess;
  readonly #ready = Promise.withResolvers<void>();
  #hear: (reply: WorkerReply) => void = () => undefined;
  #retirement: NodeJS.Timeout | undefined;
  /** It was told to end, and may not be gone yet. */
  isEnding = false;

  constructor(process: WorkerProcess) {
    this.#process = process;
    process.onEvent((reply) => (reply.kind === 'ready' ? this.#ready.resolve() : this.#hear(reply)));
    this.gone = new Promise((resolve) => process.onExit(resolve));
  }

  /** A task that does not answer within `graceMs` after `signal`, or after `handle` threw, is ended with its process. */
  async perform(
    command: DoCommand,
    signal: AbortSignal | null,
    graceMs: number,
    handle: (message: unknown) => void,
  ): Promise<Outcome> {
    clearTimeout(this.#retirement);
    const failures: unknown[] = [];
    const answered = Promise.withResolvers<number>();
    let grace: NodeJS.Timeout | undefined;
    const stop = (error: unknown): void => {
      failures.push(error);
      this.#process.send({ kind: 'stop' });
      grace ??= setTimeout(() => this.#process.kill(), graceMs);
    };
    const onAbort = (): void => stop(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    this.#hear = (reply) => {
      if (reply.kind === 'message') {
        if (failures.length === 0) attempt(() => handle(reply.message), stop);
        this.#process.send({ kind: 'taken' });
      } else if (reply.kind !== 'ready') {
        if (reply.kind === 'failed') failures.push(fromErrorData(reply.error));
        answered.resolve(reply.memoryBytes);
      }
    };
    void this.#ready.promise.then(() => (failures.length === 0 ? this.#process.send(command) : answered.resolve(0)));
    const ended = await Promise.race([answered.promise, this.gone]);
    clearTimeout(grace);
    signal?.removeEventListener('abort', onAbort);
    this.#hear = () => undefined;
    if (typeof ended === 'number') return { failures, memoryBytes: ended };
    const death = `${describeDeath(ended, `The ${command.work} process`)} Try again.`;
    return { failures: [...failures, new FoveaError('process-died', death)], memoryBytes: Infinity };
  }

  endAfter(idleMs: number): void {
    this.#retirement = setTimeout(() => void this.end(), idleMs);
    this.#retirement.unref();
  }

  async end(): Promise<void> {
    this.isEnding = true;
    clearTimeout(this.#retirement);
    this.#process.kill();
    await this.gone;
  }
}

function attempt(step: () => void, onError: (error: unknown) => void): void {
  try {
    step();
  } catch (error) {
    onError(error);
  }
}

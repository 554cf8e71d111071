/** Has a child process do one task with the engine, and waits for its answer or its end. */
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import type { EngineTask, EngineTasks, TaskEvent } from '../../training-process/messages.ts';
import type { TaskProcess } from '../backend.ts';
import { describeDeath } from '../process-death.ts';

export interface TaskOptions {
  /** From launch to answer. */
  deadlineMs: number;
  signal?: AbortSignal;
  onProgress?: (progress: Omit<Extract<TaskEvent, { kind: 'progress' }>, 'kind'>) => void;
}

/**
 * Resolves when the process is gone. Throws what the task threw; `process-died` where it ended without an answer or took
 * too long, `cancelled` where `signal` ended it.
 */
export function runTask<N extends EngineTask['name']>(
  launch: () => TaskProcess,
  task: Extract<EngineTask, { name: N }>,
  { deadlineMs, signal, onProgress }: TaskOptions,
): Promise<EngineTasks[N]['answer']> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    const child = launch();
    let outcome: (() => void) | null = null;
    const end = (settle: () => void): void => {
      outcome ??= settle;
      child.kill();
    };
    const cancel = (): void => end(() => reject(cancelled()));
    const timer = setTimeout(
      () => end(() => reject(new FoveaError('process-died', `It gave no answer within ${deadlineMs / 1000} seconds.`))),
      deadlineMs,
    );
    signal?.addEventListener('abort', cancel, { once: true });
    child.onEvent((event) => {
      if (event.kind === 'ready') child.send({ kind: 'do', task });
      else if (event.kind === 'done') outcome ??= () => resolve(event.answer as EngineTasks[N]['answer']);
      else if (event.kind === 'failed') outcome ??= () => reject(fromErrorData(event.error));
      else if (outcome === null) onProgress?.({ step: event.step, done: event.done, total: event.total });
    });
    child.onExit((exit) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      if (outcome) outcome();
      else reject(new FoveaError('process-died', describeDeath(exit, 'The process')));
    });
  });
}

const cancelled = (): FoveaError => new FoveaError('cancelled', 'It was cancelled.');

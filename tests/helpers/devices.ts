/** A machine with everything, and children that do a task as a test tells them to. */
import type { TaskProcess } from '../../src-main/services/backend.ts';
import type { Machine } from '../../src-main/services/devices/machine.ts';
import type { EngineTask, TaskCommand, TaskEvent } from '../../src-main/training-process/messages.ts';

export const gpuBox: Machine = {
  platform: 'linux',
  architecture: 'x64',
  processor: 'Fast CPU',
  coreCount: 8,
  hasNvidiaDriver: true,
  hasCudaLibraries: true,
  hasGraphicsDevice: true,
};

/** Gets the task; what it sends goes to the parent, and `exit` ends the process. */
type Behaviour = (
  task: EngineTask,
  child: { say(event: TaskEvent): void; exit(code: number | null, signal?: string): void },
) => void;

export interface FakeTasks {
  launch: () => TaskProcess;
  readonly started: EngineTask[];
  alive(): number;
}

/** Every child says that it is there and does as `behave` has it; a killed one ends by SIGKILL. */
export function fakeTasks(behave: Behaviour): FakeTasks {
  const started: EngineTask[] = [];
  let alive = 0;
  const launch = (): TaskProcess => {
    let onEvent: (event: TaskEvent) => void = () => undefined;
    let onExit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;
    let isAlive = true;
    alive++;
    const exit = (code: number | null, signal: string | null = null): void => {
      if (!isAlive) return;
      isAlive = false;
      alive--;
      queueMicrotask(() => onExit({ code, signal }));
    };
    setImmediate(() => onEvent({ kind: 'ready' }));
    return {
      send: ({ task }: TaskCommand) => {
        started.push(task);
        behave(task, { say: (event) => onEvent(event), exit });
      },
      onEvent: (listener) => void (onEvent = listener),
      onExit: (listener) => void (onExit = listener),
      kill: () => exit(null, 'SIGKILL'),
    };
  };
  return { launch, started, alive: () => alive };
}

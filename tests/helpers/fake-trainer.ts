/** A training process that does what a test tells it to: it keeps what it was asked and says what it is given. */
import type { TrainerProcess } from '../../src-main/services/backend.ts';
import type { TrainerCommand, TrainerEvent } from '../../src-main/training-process/messages.ts';

export class FakeTrainer implements TrainerProcess {
  readonly commands: TrainerCommand[] = [];
  isAlive = true;
  /** As in Electron before the system has made the process: it cannot be ended yet. */
  isBeingMade = false;
  #onEvent: (event: TrainerEvent) => void = () => undefined;
  #onExit: (exit: { code: number | null; signal: string | null }) => void = () => undefined;

  send(command: TrainerCommand): void {
    this.commands.push(command);
  }
  onEvent(listener: (event: TrainerEvent) => void): void {
    this.#onEvent = listener;
  }
  onExit(listener: (exit: { code: number | null; signal: string | null }) => void): void {
    this.#onExit = listener;
  }
  kill(): void {
    if (this.isAlive && !this.isBeingMade) this.exit(null, 'SIGKILL');
  }

  say(...events: TrainerEvent[]): this {
    for (const event of events) this.#onEvent(event);
    return this;
  }
  exit(code: number | null, signal: string | null = null): void {
    this.isAlive = false;
    this.#onExit({ code, signal });
  }

  /** Says that it is there, takes the job and begins. */
  begin(epochsDone = 0): this {
    return this.say({ kind: 'ready' }, { kind: 'started', parameterCount: 62_006, epochsDone });
  }
}

/** A launcher that keeps what it launched. */
export function fakeTrainers(): { launched: FakeTrainer[]; launch: () => FakeTrainer } {
  const launched: FakeTrainer[] = [];
  const launch = (): FakeTrainer => {
    const trainer = new FakeTrainer();
    launched.push(trainer);
    return trainer;
  };
  return { launched, launch };
}

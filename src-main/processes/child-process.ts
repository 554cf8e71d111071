/** A child process as its parent sees it, however the host starts it. `parent-link.ts` is the child's own side. */

export interface Exit {
  code: number | null;
  signal: string | null;
}

/** `onExit` fires once, also after a crash; `code` null means killed by `signal`. */
export interface ChildProcess<Command, Event> {
  send(command: Command): void;
  onEvent(listener: (event: Event) => void): void;
  onExit(listener: (exit: Exit) => void): void;
  kill(): void;
}
